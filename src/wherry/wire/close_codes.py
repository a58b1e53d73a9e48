"""Why a WebSocket was closed (RFC 6455, 7.4.1)."""

from __future__ import annotations

NORMAL = 1000
GOING_AWAY = 1001
ABNORMAL = 1006
"""Never sent: the connection broke."""
TOO_BIG = 1009
INTERNAL_ERROR = 1011

MESSAGE_LIMIT = 32 * 1024 * 1024
"""Bytes of one message, unless told otherwise; a larger one closes the WebSocket with `TOO_BIG`."""
