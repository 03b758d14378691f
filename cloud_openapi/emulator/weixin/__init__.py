"""api.weixin.qq.com: tokens, the APIs of the catalogue, and WeChat's management APIs."""
