// A thread that cannot be started: run with RUST_MIN_STACK so large that there is no memory for its stack.
#include "check.h"

static int32_t on_progress(void *user_data, uint64_t done, uint64_t total) {
  (void)user_data, (void)done, (void)total;
  return 0;
}

int main(void) {
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_system *system;
  optiverse_paths *paths = NULL;
  OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
  EXPECT(NO_THREAD, optiverse_trace(system, NULL, NULL, on_progress, NULL, &paths));
  CHECK(paths == NULL);
  optiverse_client *client = NULL;
  EXPECT(NO_THREAD, optiverse_client_connect("ws://127.0.0.1:1/ws/lab/ada", NULL, &client));
  CHECK(client == NULL);
  // Without somebody to watch it no thread is needed.
  OK(optiverse_trace(system, NULL, NULL, NULL, NULL, &paths));
  OK(optiverse_paths_free(paths));
  OK(optiverse_system_free(system));
  OK(optiverse_scene_free(scene));
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
