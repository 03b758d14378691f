const cloud = require("wx-server-sdk");
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const db = cloud.database();
const _ = db.command;
const scores = db.collection("scores");

async function submit(openid, level, score) {
  // 只保留最高分
  const res = await scores.where({ openid, level }).update({ data: { score: _.max(score) } });
  return res.stats.updated > 0;
}

exports.main = async (event, context) => {
  const { OPENID } = cloud.getWXContext();
  const level = event.level || 1;
  let better;
  if (event.score !== undefined) {
    better = await submit(OPENID, level, event.score);
  }
  const [top, mine] = await Promise.all([
    scores.where({ level })
      .orderBy("score", "desc")
      .orderBy("time", "asc")
      .limit(event.size || 3)
      .field({ _id: false, nickName: true, score: true })
      .get(),
    scores.where({ level, openid: OPENID }).get(),
  ]);
  const me = mine.data[0];
  if (!me) {
    return { top: top.data, rank: null };
  }
  const { total } = await scores.where({ level, score: _.gt(me.score) }).count();
  return { top: top.data, score: me.score, rank: total + 1, better };
};
