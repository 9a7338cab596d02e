"""The address of a session."""

from urllib.parse import quote


def session_url(server_url: str, session_id: str, user_id: str) -> str:
    """Return the address at which a user joins a session; names are escaped."""
    return f"{server_url.rstrip('/')}/ws/{quote(session_id, safe='')}/{quote(user_id, safe='')}"
