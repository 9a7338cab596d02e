// Clients and a relay: two of them come to the same; what the server refuses; a password.
//
//   clients URL PROTECTED PASSWORD
//
// URL is that of the relay, `ws://HOST:PORT`, and PROTECTED a session on it that has a password.
#include "check.h"

#define PATIENCE_MS 60000

static const char *relay;

static optiverse_client *join(const char *path, const char *user, const char *password) {
  optiverse_client_options options;
  optiverse_client *client;
  char url[512];
  snprintf(url, sizeof url, "%s%s", relay, path);
  OK(optiverse_client_options_init(&options));
  options.user = user;
  options.password = password;
  OK(optiverse_client_connect(url, &options, &client));
  return client;
}

// The next event of this kind; those before it are let go.
static optiverse_event next(optiverse_client *client, uint32_t kind) {
  optiverse_event event;
  do {
    OK(optiverse_client_wait_event(client, PATIENCE_MS, &event));
    if (event.kind == OPTIVERSE_EVENT_KIND_NONE) {
      fprintf(stderr, "there is no event of kind %u\n", (unsigned)kind);
      exit(1);
    }
  } while (event.kind != kind);
  return event;
}

static void synchronise(const optiverse_client *client) {
  uint8_t is_synchronised;
  OK(optiverse_client_wait_synchronised(client, PATIENCE_MS, &is_synchronised));
  CHECK(is_synchronised == 1);
}

static int have_the_same(const optiverse_client *ada, const optiverse_client *bob) {
  const optiverse_client *const clients[2] = {ada, bob};
  optiverse_scene *scenes[2];
  optiverse_text *texts[2];
  optiverse_str views[2];
  for (int i = 0; i < 2; i++) {
    OK(optiverse_client_scene(clients[i], &scenes[i]));
    OK(optiverse_scene_item(scenes[i], "M1", &texts[i]));
    OK(optiverse_text_view(texts[i], &views[i]));
  }
  int is_same = views[0].length == views[1].length && memcmp(views[0].data, views[1].data, views[0].length) == 0;
  for (int i = 0; i < 2; i++) {
    OK(optiverse_text_free(texts[i]));
    OK(optiverse_scene_free(scenes[i]));
  }
  return is_same;
}

static void move(optiverse_client *client, double x, double y) {
  optiverse_edit *edit;
  OK(optiverse_edit_new(&edit));
  OK(optiverse_edit_move(edit, "M1", x, y));
  OK(optiverse_client_edit(client, edit, OPTIVERSE_UNDO_STEP_NEW));
  OK(optiverse_edit_free(edit));
}

static int is_alone_with(const optiverse_client *client, const char *user) {
  optiverse_users *users;
  const optiverse_str *name;
  size_t count;
  OK(optiverse_client_users(client, &users));
  OK(optiverse_users_view(users, &name, &count));
  const int is_so = user == NULL ? count == 0 : count == 1 && is_text(*name, user);
  OK(optiverse_users_free(users));
  return is_so;
}

static void two_come_to_the_same(void) {
  optiverse_client *ada = join("/ws/lab", "ada", NULL), *bob = join("/ws/lab", "bob", NULL);
  optiverse_scene *scene = scene_of(BENCH);
  optiverse_event event;
  optiverse_session_info info;
  optiverse_str selected = {"M1", 2};
  optiverse_presence here = {1, 1.0, 2.0, &selected, 1, {"#1e90ff", 7}};
  optiverse_peers *peers;
  const optiverse_presence_event *peer;
  size_t count, undecided = 7;
  uint8_t is_done;
  OK(optiverse_client_share(ada, scene));
  OK(optiverse_scene_free(scene));
  synchronise(ada);
  event = next(bob, OPTIVERSE_EVENT_KIND_CHANGED);
  CHECK(event.body.changed.added_count >= 1);
  synchronise(bob);
  OK(optiverse_client_state(bob, &info));
  CHECK(info.status == OPTIVERSE_STATUS_SYNCHRONISED && info.role == OPTIVERSE_ROLE_EDITOR && info.pending == 0);

  for (int step = 0; step < 100; step++) {
    move(ada, step, 1.0);
    move(bob, -step, -1.0);
  }
  OK(optiverse_client_undo(ada, &is_done));
  OK(optiverse_client_undo(bob, &is_done));
  OK(optiverse_client_redo(bob, &is_done));
  synchronise(ada);
  synchronise(bob);
  // What one has sent last may still be under way to the other.
  for (int i = 0; !have_the_same(ada, bob) || !is_alone_with(ada, "bob") || !is_alone_with(bob, "ada"); i++) {
    CHECK(i < 1000);
    OK(optiverse_client_wait_event(ada, PATIENCE_MS / 1000, &event));
    OK(optiverse_client_wait_event(bob, 0, &event));
  }

  OK(optiverse_client_set_presence(ada, &here));
  do event = next(bob, OPTIVERSE_EVENT_KIND_PRESENCE);
  while (event.body.presence.presence.has_cursor == 0);
  CHECK(is_text(event.body.presence.user, "ada") && event.body.presence.presence.y_mm == 2.0);
  OK(optiverse_client_peers(bob, &peers));
  OK(optiverse_client_free(ada));
  OK(optiverse_peers_view(peers, &peer, &count));
  CHECK(count == 1 && peer->is_gone == 0 && is_text(peer->user, "ada") && peer->presence.x_mm == 1.0);
  CHECK(peer->presence.selection_count == 1 && is_text(peer->presence.selection[0], "M1"));
  CHECK(is_text(peer->presence.color, "#1e90ff"));
  OK(optiverse_peers_free(peers));
  CHECK(is_text(next(bob, OPTIVERSE_EVENT_KIND_USER_LEFT).body.text, "ada") && is_alone_with(bob, NULL));

  // What is edited last reaches the relay before the client is closed.
  move(bob, 7.0, 8.0);
  OK(optiverse_client_close(bob, PATIENCE_MS, &undecided));
  CHECK(undecided == 0);
  OK(optiverse_client_free(bob));
}

static void what_the_server_refuses(const char *session, const char *password) {
  optiverse_client *client = join("/elsewhere/ws/lab", "ada", NULL);
  optiverse_disconnected_event gone;
  char path[256];
  for (int attempt = 0; attempt < 2; attempt++) {
    gone = next(client, OPTIVERSE_EVENT_KIND_DISCONNECTED).body.disconnected;
    CHECK(gone.is_final == 1 && gone.code == 1008 && strstr(gone.message.data, "the path must be") != NULL);
    OK(optiverse_client_retry(client));
  }
  OK(optiverse_client_free(client));

  snprintf(path, sizeof path, "/ws/%s", session);
  client = join(path, "ada", "not the password");
  gone = next(client, OPTIVERSE_EVENT_KIND_DISCONNECTED).body.disconnected;
  CHECK(gone.is_final == 1 && gone.code == 1008);
  OK(optiverse_client_free(client));
  client = join(path, "ada", password);
  synchronise(client);
  OK(optiverse_client_free(client));
}

int main(int argc, char **argv) {
  CHECK(argc == 4);
  relay = argv[1];
  two_come_to_the_same();
  what_the_server_refuses(argv[2], argv[3]);
  CHECK(optiverse_handle_count() == 0);
  return 0;
}
