"""A Slack to test against: the Web API methods and the webhook that the product uses, over real HTTP."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.fakes.http import FakeServer, Request, Response
from tests.fakes.slack import limits

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPES = {"chat:write", "channels:read", "channels:history"}
NEEDED = {
    "conversations.info": "channels:read",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
}


@dataclass
class Channel:
    identity: str
    name: str
    is_member: bool = True
    is_archived: bool = False


@dataclass
class Message:
    """One message as it stands now. `versions` holds all of its states, oldest first."""

    channel: str  # the channel's name
    ts: str
    content: dict[str, Any]
    versions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return str(self.content.get("text", ""))


class SlackServer(FakeServer):
    """Knows the token `xoxb-token`, the channels `deploys` and `alerts`, and one webhook, to `deploys`.

    Refuses what Slack refuses: unknown tokens and channels, missing scopes, content beyond the limits, and
    more than one new message a second in a channel (by `now`, Unix seconds). `messages` keeps everything.
    """

    def __init__(self, port: int = 0, *, now: Callable[[], float] = time.time) -> None:
        super().__init__(port)
        self.now = now
        self.tokens: dict[str, set[str]] = {"xoxb-token": set(SCOPES)}
        self.channels = [Channel("C0DEPLOYS", "deploys"), Channel("C0ALERTS", "alerts")]
        self.webhooks: dict[str, str] = {"/services/T0/B0/secret": "deploys"}
        self.messages: list[Message] = []
        self.updates_a_minute: int | None = None
        """More `chat.update` in a minute are refused, with the time at which one is taken again."""
        self.refused = 0
        self._updated: list[float] = []
        self._last_post: dict[str, float] = {}
        self._methods: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.getPermalink": self._permalink,
            "conversations.info": self._info,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        return self.url + next(iter(self.webhooks))

    def channel(self, name_or_id: str) -> Channel | None:
        wanted = name_or_id.removeprefix("#")
        return next((c for c in self.channels if wanted in {c.identity, c.name}), None)

    def in_channel(self, name: str) -> list[Message]:
        return [message for message in self.messages if message.channel == name]

    def tops(self, name: str) -> list[Message]:
        """What stands in the channel itself, not in threads."""
        return [message for message in self.in_channel(name) if not message.content.get("thread_ts")]

    def replies(self, ts: str) -> list[Message]:
        return [message for message in self.messages if message.content.get("thread_ts") == ts]

    def pings(self) -> list[str]:
        """Texts that would have notified people."""
        return [text for m in self.messages for version in m.versions for text in limits.pings(version)]

    def respond(self, request: Request) -> Response:
        if request.path in self.webhooks:
            return self._webhook(self.webhooks[request.path], request.json)
        if request.path.startswith("/services/"):
            return Response(404, "no_service")
        method = request.path.removeprefix("/api/")
        try:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            self._require_access(token, method)
            scopes = {"x-oauth-scopes": ",".join(sorted(self.tokens[token]))}
            return Response(200, {"ok": True, **self._methods[method](_arguments(request))}, scopes)
        except _Refused as error:
            return error.response

    def _require_access(self, token: str, method: str) -> None:
        if not token:
            raise _Refused(_no("not_authed"))
        if token not in self.tokens:
            raise _Refused(_no("invalid_auth"))
        if method not in self._methods:
            raise _Refused(_no("unknown_method"))
        needed = NEEDED.get(method, "chat:write")
        if method != "auth.test" and needed not in self.tokens[token]:
            raise _Refused(_no("missing_scope", needed=needed, provided=",".join(self.tokens[token])))

    def testground(self, request: Request, what: str) -> Response | None:
        """`GET messages`: everything that was said, for other processes. `POST channels`: one more."""
        if (request.method, what) == ("GET", "messages"):
            said = [{"channel": m.channel, "ts": m.ts, "versions": m.versions} for m in self.messages]
            return Response(200, said)
        if (request.method, what) == ("POST", "channels"):
            self.channels.append(Channel(**request.json))
            return Response(201, {})
        return None

    def _auth_test(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": f"{self.url}/",
            "team": "T",
            "user": "bot",
            "team_id": "T0",
            "user_id": "U0",
            "bot_id": "B0",
        }

    def _post_message(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._reachable(given)
        thread = given.get("thread_ts")
        if thread and not any(m.ts == thread for m in self.in_channel(channel.name)):
            raise _Refused(_no("thread_not_found"))
        message = self._say(channel, given)
        return {
            "channel": channel.identity,
            "ts": message.ts,
            "message": self._shown(message, metadata=False),
        }

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = next((c for c in self.channels if c.identity == given.get("channel")), None)
        if channel is None:
            raise _Refused(_no("channel_not_found"))
        message = next((m for m in self.in_channel(channel.name) if m.ts == given.get("ts")), None)
        if message is None:
            raise _Refused(_no("message_not_found"))
        _require_acceptable(given)
        self._require_room()
        message.content = _content(message.content | given)
        message.versions.append(message.content)
        return {"channel": channel.identity, "ts": message.ts, "text": message.text}

    def _require_room(self) -> None:
        if self.updates_a_minute is None:
            return
        now = self.now()
        self._updated = [at for at in self._updated if at > now - 60]
        if len(self._updated) >= self.updates_a_minute:
            self.refused += 1
            headers = {"Retry-After": str(math.ceil(self._updated[0] + 60 - now))}
            raise _Refused(Response(429, {"ok": False, "error": "ratelimited"}, headers))
        self._updated.append(now)

    def _permalink(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._by_id(given)
        ts = str(given.get("message_ts"))
        if not any(message.ts == ts for message in self.in_channel(channel.name)):
            raise _Refused(_no("message_not_found"))
        link = f"https://team.slack.com/archives/{channel.identity}/p{ts.replace('.', '')}"
        return {"channel": channel.identity, "permalink": link}

    def _info(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = next((c for c in self.channels if c.identity == given.get("channel")), None)
        if channel is None:
            raise _Refused(_no("channel_not_found"))
        shown = {"id": channel.identity, "name": channel.name, "is_channel": True}
        return {"channel": shown | {"is_member": channel.is_member, "is_archived": channel.is_archived}}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._by_id(given)
        return self._page(given, [m for m in self.tops(channel.name)[::-1] if _newer(m, given)])

    def _replies(self, given: dict[str, Any]) -> dict[str, Any]:
        """The message itself and its thread, the oldest first."""
        channel = self._by_id(given)
        top = next((m for m in self.tops(channel.name) if m.ts == given.get("ts")), None)
        if top is None:
            raise _Refused(_no("thread_not_found"))
        return self._page(given, [top, *(m for m in self.replies(top.ts) if _newer(m, given))])

    def _page(self, given: dict[str, Any], found: list[Message]) -> dict[str, Any]:
        metadata = str(given.get("include_all_metadata", "")).lower() in {"1", "true"}
        first, limit = int(given.get("cursor") or 0), int(given.get("limit", 100))
        shown = [self._shown(message, metadata=metadata) for message in found[first : first + limit]]
        more = first + limit < len(found)
        answer: dict[str, Any] = {"messages": shown, "has_more": more}
        return answer | ({"response_metadata": {"next_cursor": str(first + limit)}} if more else {})

    def _by_id(self, given: dict[str, Any]) -> Channel:
        """Reading needs the channel's id, where posting takes its name too."""
        channel = next((c for c in self.channels if c.identity == given.get("channel")), None)
        if channel is None:
            raise _Refused(_no("channel_not_found"))
        if not channel.is_member:
            raise _Refused(_no("not_in_channel"))
        return channel

    def _webhook(self, name: str, given: dict[str, Any]) -> Response:
        channel = self.channel(name)
        if channel is None:
            return Response(404, "channel_not_found")
        if channel.is_archived:
            return Response(410, "channel_is_archived")
        try:
            self._say(channel, given)
        except _Refused as error:
            if error.response.status == 429:
                return Response(429, "rate_limited", error.response.headers)
            return Response(400, str(error.response.body["error"]))
        return Response(200, "ok")

    def _reachable(self, given: dict[str, Any]) -> Channel:
        channel = self.channel(str(given.get("channel", "")))
        if channel is None:
            raise _Refused(_no("channel_not_found"))
        if not channel.is_member:
            raise _Refused(_no("not_in_channel"))
        if channel.is_archived:
            raise _Refused(_no("is_archived"))
        return channel

    def _say(self, channel: Channel, given: dict[str, Any]) -> Message:
        _require_acceptable(given)
        wait = self._last_post.get(channel.name, -math.inf) + 1 - self.now()
        if wait > 0:
            headers = {"Retry-After": str(math.ceil(wait))}
            raise _Refused(Response(429, {"ok": False, "error": "ratelimited"}, headers))
        self._last_post[channel.name] = self.now()
        content = _content(given)
        ts = f"{int(self.now())}.{len(self.messages):06d}"
        message = Message(channel.name, ts, content, [content])
        self.messages.append(message)
        return message

    def _shown(self, message: Message, *, metadata: bool) -> dict[str, Any]:
        hidden = {"channel"} if metadata else {"channel", "metadata"}
        content = {key: value for key, value in message.content.items() if key not in hidden}
        return {"type": "message", "bot_id": "B0", "ts": message.ts, **content}


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _no(code: str, **details: Any) -> Response:
    return Response(200, {"ok": False, "error": code, **details})


def _require_acceptable(given: dict[str, Any]) -> None:
    refusal = limits.refusal(given)
    if refusal:
        code, messages = refusal
        raise _Refused(_no(code, **({"response_metadata": {"messages": messages}} if messages else {})))


def _content(given: dict[str, Any]) -> dict[str, Any]:
    kept = ("channel", "text", "blocks", "metadata", "thread_ts", "reply_broadcast", "unfurl_links")
    return {key: given[key] for key in kept if key in given}


def _newer(message: Message, given: dict[str, Any]) -> bool:
    return float(message.ts) > float(given.get("oldest") or 0)


def _arguments(request: Request) -> dict[str, Any]:
    if "json" in request.headers.get("content-type", ""):
        return request.json
    form = {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}
    return request.query | form
