// Eight threads: each with handles of its own, then all with the same ones, while one frees them.
#include <pthread.h>

#include "check.h"

#define THREADS 8
#define ROUNDS 20

static optiverse_scene *shared_scene;
static optiverse_system *shared_system;

static void *alone(void *argument) {
  int number = *(int *)argument;
  for (int round = 0; round < ROUNDS; round++) {
    optiverse_scene *scene = scene_of(BENCH);
    optiverse_edit *edit;
    optiverse_system *system;
    optiverse_paths *paths;
    optiverse_trace_options options;
    optiverse_arrays arrays;
    OK(optiverse_edit_new(&edit));
    OK(optiverse_edit_move(edit, "laser", -100.0 - number, 0.0));
    OK(optiverse_scene_apply(scene, edit, NULL));
    OK(optiverse_system_new(scene, OPTIVERSE_COMPILE_MODE_STRICT, &system));
    OK(optiverse_trace_options_init(&options));
    options.threads = 1;
    OK(optiverse_trace(system, &options, NULL, NULL, NULL, &paths));
    OK(optiverse_paths_arrays(paths, &arrays));
    CHECK(arrays.path_count == 6 && arrays.points[0].x == -100.0 - number);

    // The last error is this thread's.
    char id[16];
    snprintf(id, sizeof id, "none %d", number);
    double x;
    EXPECT(UNKNOWN_ITEM, optiverse_scene_number(scene, id, "x_mm", &x));
    expect_error(id, "", "");
    OK(optiverse_paths_free(paths));
    OK(optiverse_system_free(system));
    OK(optiverse_edit_free(edit));
    OK(optiverse_scene_free(scene));
  }
  return NULL;
}

static void *together(void *argument) {
  int number = *(int *)argument;
  for (int round = 0; round < ROUNDS; round++) {
    optiverse_edit *edit;
    optiverse_paths *paths;
    optiverse_arrays arrays;
    double x;
    OK(optiverse_edit_new(&edit));
    OK(optiverse_edit_move(edit, "laser", -100.0 - number, 0.0));
    optiverse_result applied = optiverse_scene_apply(shared_scene, edit, NULL);
    CHECK(applied == OPTIVERSE_RESULT_OK || applied == OPTIVERSE_RESULT_INVALID_HANDLE);
    if (optiverse_scene_number(shared_scene, "laser", "x_mm", &x) == OPTIVERSE_RESULT_OK) CHECK(x <= -100.0);
    if (optiverse_trace(shared_system, NULL, NULL, NULL, NULL, &paths) == OPTIVERSE_RESULT_OK) {
      OK(optiverse_paths_arrays(paths, &arrays));
      CHECK(arrays.path_count == 6);
      OK(optiverse_paths_free(paths));
    }
    OK(optiverse_edit_free(edit));
    // One of them ends it for all: what is running then runs to its end.
    if (number == 0 && round == ROUNDS / 2) {
      OK(optiverse_scene_free(shared_scene));
      OK(optiverse_system_free(shared_system));
    }
  }
  return NULL;
}

static void run(void *(*body)(void *)) {
  pthread_t threads[THREADS];
  int numbers[THREADS];
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    CHECK(pthread_create(&threads[i], NULL, body, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
  run(alone);
  CHECK(optiverse_handle_count() == 0);
  shared_scene = scene_of(BENCH);
  OK(optiverse_system_new(shared_scene, OPTIVERSE_COMPILE_MODE_STRICT, &shared_system));
  run(together);
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
