// Takes part in a shared session by a client of the library, which has the socket and the time: this program waits for its
// own input alone. It traces the layout whenever somebody has changed it, and says where the light went.
//
//   cc client.c -o client $(pkg-config --cflags --libs optiverse)
//   ./client ws://HOST:PORT/ws/SESSION USER [LAYOUT.json]
//
// A layout is added to the session. A line `ITEM X Y` on standard input moves an item; the program ends when the input does.
#include <optiverse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check(optiverse_result result) {
  if (result == OPTIVERSE_RESULT_OK) return;
  optiverse_error error;
  optiverse_last_error(&error);
  fprintf(stderr, "%s: %s\n", optiverse_result_name(result), error.message.data);
  exit(1);
}

// Called on a thread of the client: a byte in a pipe wakes poll() below.
static void wake(void *user_data) {
  const int *pipe_end = user_data;
  // A pipe that is full wakes as well.
  if (write(*pipe_end, "", 1) < 0) return;
}

static void trace(const optiverse_client *client) {
  optiverse_scene *scene;
  optiverse_system *system;
  optiverse_paths *paths;
  optiverse_power_balance power;
  optiverse_arrays arrays;
  uint8_t is_truncated;
  check(optiverse_client_scene(client, &scene));
  check(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_LENIENT, &system));
  check(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  check(optiverse_paths_arrays(paths, &arrays));
  check(optiverse_paths_power(paths, &power, &is_truncated));
  printf("%zu paths; emitted %.3f, left %.3f\n", arrays.path_count, power.emitted, power.left);
  check(optiverse_paths_free(paths));
  check(optiverse_system_free(system));
  check(optiverse_scene_free(scene));
}

// Takes all events; many changes are one reason to trace.
static void settle(optiverse_client *client) {
  static const char *const statuses[] = {"offline", "connecting", "catching up", "sending", "unconfirmed", "synchronised"};
  optiverse_event event;
  int has_changed = 0;
  for (;;) {
    check(optiverse_client_wait_event(client, 0, &event));
    if (event.kind == OPTIVERSE_EVENT_KIND_NONE) break;
    switch (event.kind) {
      case OPTIVERSE_EVENT_KIND_STATUS: printf("status: %s\n", statuses[event.body.status.status]); break;
      case OPTIVERSE_EVENT_KIND_DISCONNECTED: printf("%s\n", event.body.disconnected.message.data); break;
      case OPTIVERSE_EVENT_KIND_REFUSED: printf("refused: %s\n", event.body.refused.message.data); break;
      case OPTIVERSE_EVENT_KIND_CHANGED:
      case OPTIVERSE_EVENT_KIND_MISSED: has_changed = 1; break;
      default: break;
    }
  }
  if (has_changed) trace(client);
  fflush(stdout);
}

static void move(optiverse_client *client, const char *line) {
  char id[256];
  double x, y;
  optiverse_edit *edit;
  if (sscanf(line, "%255s %lf %lf", id, &x, &y) != 3) {
    printf("expected ITEM X Y: %s", line);
    return;
  }
  check(optiverse_edit_new(&edit));
  check(optiverse_edit_move(edit, id, x, y));
  if (optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_NEW) == OPTIVERSE_RESULT_OK) {
    trace(client);
  } else {
    optiverse_error error;
    check(optiverse_last_error(&error));
    printf("refused: %s\n", error.message.data);
  }
  check(optiverse_edit_free(edit));
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: %s ws://HOST:PORT/ws/SESSION USER [LAYOUT.json]\n", argv[0]);
    return 2;
  }
  int bell[2];
  if (pipe(bell) < 0) {
    perror("pipe");
    return 1;
  }
  optiverse_client *client;
  optiverse_client_options options;
  check(optiverse_client_options_init(&options));
  options.user = argv[2];
  options.on_events = wake;
  options.user_data = &bell[1];
  check(optiverse_client_connect(argv[1], &options, &client));
  if (argc == 4) {
    optiverse_scene *scene;
    check(optiverse_scene_load(argv[3], &scene));
    check(optiverse_client_share(client, scene));
    check(optiverse_scene_free(scene));
    trace(client);
  }

  char line[512];
  size_t undecided;
  // Unbuffered: what is read is a line, and poll() knows of the rest.
  setvbuf(stdin, NULL, _IONBF, 0);
  for (int input_ended = 0; !input_ended; settle(client)) {
    struct pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {bell[0], POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) {
      perror("poll");
      return 1;
    }
    char rung[256];
    if (waiting[1].revents && read(bell[0], rung, sizeof rung) < 0) perror("read");
    if (!waiting[0].revents) continue;
    if (fgets(line, sizeof line, stdin)) move(client, line);
    else input_ended = 1;
  }
  check(optiverse_client_close(client, 5000, &undecided));
  if (undecided > 0) printf("%zu edits did not reach the relay\n", undecided);
  check(optiverse_client_free(client));
  close(bell[0]);
  close(bell[1]);
  return 0;
}
