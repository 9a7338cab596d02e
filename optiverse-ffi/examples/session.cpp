// Watches a shared session: joins it, and traces the layout anew whenever somebody has changed it.
//
//   c++ -std=c++17 session.cpp websocket.o -o watch $(pkg-config --cflags --libs optiverse) -lwslay -lnettle
//   ./watch HOST PORT SESSION USER
//
// It ends when standard input does.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <optiverse.hpp>
#include <random>
#include <string>

#include "websocket.h"

namespace {

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

optiverse_replica_key random_key() {
  std::random_device device;
  optiverse_replica_key key;
  for (auto &byte : key.bytes) byte = static_cast<std::uint8_t>(device());
  return key;
}

class watcher {
 public:
  watcher(std::string host, std::string port, std::string path)
      : host_(std::move(host)), port_(std::move(port)), path_(std::move(path)) {}

  void run() {
    for (settle(); !input_ended_; settle()) {
      pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {-1, 0, 0}};
      if (socket_) waiting[1] = {websocket_fd(socket_.get()), websocket_events(socket_.get()), 0};
      if (poll(waiting, 2, timeout()) < 0) throw std::system_error(errno, std::generic_category(), "poll");
      if (waiting[0].revents) {
        char ignored[256];
        input_ended_ = read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
      }
      if (socket_ && !websocket_run(socket_.get())) disconnect();
      if (const auto at = session_.poll_timeout(); at && *at <= now_ms()) session_.handle_timeout(now_ms());
    }
  }

 private:
  static void on_text(void *self, const std::uint8_t *text, std::size_t length) {
    static_cast<watcher *>(self)->session_.handle_frame(text, length, now_ms());
  }

  void connect() {
    socket_.reset(websocket_open(host_.c_str(), port_.c_str(), path_.c_str(), on_text, this));
    if (socket_) session_.handle_connected(now_ms());
    else session_.handle_disconnected(now_ms());
  }

  void disconnect() {
    socket_.reset();
    session_.handle_disconnected(now_ms());
  }

  void settle() {
    bool has_changed = false;
    while (const auto event = session_.poll_event()) {
      if (event->kind == OPTIVERSE_EVENT_KIND_CONNECT) connect();
      if (event->kind == OPTIVERSE_EVENT_KIND_DISCONNECT) disconnect();
      if (event->kind == OPTIVERSE_EVENT_KIND_CHANGED) {
        // The watcher's own scene follows the session, one edit after the other.
        scene_.apply(session_.changed_edit());
        has_changed = true;
      }
    }
    while (const auto frame = session_.poll_transmit()) {
      if (socket_ && !websocket_send(socket_.get(), frame->data(), frame->size())) disconnect();
    }
    if (has_changed) look();
  }

  void look() const {
    const optiverse::system system(scene_);
    const auto paths = system.trace();
    std::cout << scene_.items().view().size() << " items, " << paths.size() << " paths" << std::endl;
  }

  int timeout() const {
    const auto at = session_.poll_timeout();
    const auto now = now_ms();
    if (!at) return -1;
    return *at <= now ? 0 : static_cast<int>(std::min<std::uint64_t>(*at - now, 60000));
  }

  struct closer {
    void operator()(websocket *socket) const { websocket_close(socket); }
  };

  std::string host_, port_, path_;
  optiverse::session session_{random_key()};
  optiverse::scene scene_;
  std::unique_ptr<websocket, closer> socket_;
  bool input_ended_ = false;
};

}  // namespace

int main(int argc, char **argv) try {
  if (argc != 5) {
    std::cerr << "usage: " << argv[0] << " HOST PORT SESSION USER\n";
    return 2;
  }
  watcher(argv[1], argv[2], std::string("/ws/") + argv[3] + "/" + argv[4]).run();
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
