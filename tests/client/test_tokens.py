"""The access token that a client keeps."""

import threading

import pytest
from support.processes import WAIT, until
from support.threads import waiting_for

from cloud_openapi.tokens import AccessToken, Granted, TokenDeniedError


class Service:
    """Grants numbered tokens and counts its requests.

    A request is answered once so many other threads wait for its token as ``followers`` says.
    """

    def __init__(self, expires_in=7200):
        self.requests = 0
        self.expires_in = expires_in
        self.now = 0.0
        self.followers = 0
        self.token = AccessToken(self.fetch, self.clock)

    def fetch(self):
        self.requests += 1
        assert until(lambda: followers_of(self.token) >= self.followers)
        return Granted(f"token-{self.requests}", self.expires_in)

    def clock(self):
        return self.now


def followers_of(token):
    """Return how many threads wait for the request of another thread."""
    return waiting_for(token._running.done)


def in_threads(count, work):
    results = []
    barrier = threading.Barrier(count)

    def run():
        barrier.wait()
        try:
            results.append(work())
        except TokenDeniedError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize(("expires_in", "kept"), [(7200, 6900), (345, 172.5), (300, 150)], ids=str)
def test_token_is_kept_until_shortly_before_its_expiry(expires_in, kept):
    service = Service(expires_in)
    token = service.token
    assert token.get() == "token-1"
    service.now = kept - 1
    assert token.get() == "token-1"
    service.now = kept
    assert token.get() == "token-2"


def test_eight_threads_share_one_fetch():
    service = Service()
    service.followers = 7
    assert in_threads(8, service.token.get) == ["token-1"] * 8
    assert service.requests == 1


def test_eight_threads_share_one_renewal():
    service = Service()
    refused = service.token.get()
    service.followers = 7
    assert in_threads(8, lambda: service.token.renew(refused)) == ["token-2"] * 8
    assert service.requests == 2


def test_token_renewed_by_another_thread_is_not_fetched_again():
    service = Service()
    token = service.token
    token.get()
    token.renew("token-1")
    assert token.renew("token-1") == "token-2"


def test_eight_threads_share_one_denial_and_the_next_call_fetches():
    answer = {"errcode": 40125, "errmsg": "invalid appsecret"}
    fetches = []

    def fetch():
        fetches.append(1)
        if len(fetches) == 1:
            assert until(lambda: followers_of(token) == 7)
            raise TokenDeniedError(answer)
        return Granted("token", 7200)

    token = AccessToken(fetch)
    results = in_threads(8, token.get)
    assert [result.answer for result in results] == [answer] * 8
    assert len(fetches) == 1
    assert token.get() == "token"


def test_valid_token_is_used_if_a_renewal_fails():
    service = Service(7200)
    token = service.token
    token.get()
    service.now = 7000

    def fail():
        raise OSError("unreachable")

    token._fetch = fail
    assert token.get() == "token-1"
    service.now = 7200
    with pytest.raises(OSError, match="unreachable"):
        token.get()


def test_interrupt_of_a_fetch_does_not_reach_waiting_threads():
    fetches = []
    waiting = threading.Event()

    def fetch():
        fetches.append(1)
        if len(fetches) == 1:
            waiting.wait(WAIT)
            raise KeyboardInterrupt
        return Granted("token", 7200)

    token = AccessToken(fetch)
    outcomes = []

    def lead():
        try:
            token.get()
        except KeyboardInterrupt:
            outcomes.append("interrupted")

    leader = threading.Thread(target=lead)
    leader.start()
    assert until(lambda: fetches)
    follower = threading.Thread(target=lambda: outcomes.append(token.get()))
    follower.start()
    assert until(lambda: followers_of(token) == 1)
    waiting.set()
    leader.join()
    follower.join()
    assert sorted(outcomes) == ["interrupted", "token"]


def test_repr_does_not_show_the_token():
    token = Service().token
    token.get()
    assert "token-1" not in repr(token)
