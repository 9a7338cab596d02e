// A WebSocket for the session examples: opens a connection, then never waits, so that it fits into any loop over poll().
// The framing is libwslay's, the digest of the handshake libnettle's.
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct websocket websocket;

// Is given each text message.
typedef void (*websocket_on_text)(void *user_data, const uint8_t *text, size_t length);

// Connects to ws://host:port/path. Waits, at most a few seconds; null if there is no server, or it is none of WebSockets.
websocket *websocket_open(const char *host, const char *port, const char *path, websocket_on_text on_text,
                          void *user_data);
// The socket, for poll(), and the events to wait for.
int websocket_fd(const websocket *socket);
short websocket_events(const websocket *socket);
// Queues a text message. 0 if the connection is gone.
int websocket_send(websocket *socket, const uint8_t *text, size_t length);
// Reads and writes what can be without waiting. 0 if the connection is gone.
int websocket_run(websocket *socket);
// Closes the connection and frees it.
void websocket_close(websocket *socket);

#ifdef __cplusplus
}
#endif

#endif
