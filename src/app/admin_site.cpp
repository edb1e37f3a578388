#include "admin_site.hpp"

#include "privileges.hpp"

namespace freshet {
namespace {

/// Half requests must not keep a probe waiting: who is quick is always let in, and who is not has little time.
constexpr std::size_t kPlaces = 256;
constexpr Milliseconds kPatience(5000);

}  // namespace

AdminSite::AdminSite(unsigned index, const Clock& clock, AdminOptions options)
    : worker_(index, clock), service_(make_admin_service(std::move(options))) {
  limits_.max_connections = kPlaces;
  options_.makes_room = true;
  options_.head_timeout = options_.body_timeout = options_.write_timeout = kPatience;
  options_.name = "admin";
}

AdminSite::~AdminSite() { stop(); }

bool AdminSite::open(const AdminBind& bind, const std::optional<Account>& owner, std::string& error) {
  const bool tcp = bind.path.empty();
  auto acceptor = tcp ? open_listen_socket(worker_.loop(), {bind.endpoint.address, bind.endpoint.port}, true, error)
                      : socket_.listen(worker_.loop(), bind.path, error);
  if (!acceptor.is_open()) return false;
  if (tcp) port_ = acceptor.local_endpoint().port();
  if (!tcp && owner && !hand_over_socket(*owner, bind.path)) {
    error = "cannot give unix:" + bind.path + " to the user " + owner->user;
    return false;
  }
  listener_ = make_listener(std::move(acceptor), worker_, *service_, options_, limits_, counters_, nullptr);
  return true;
}

void AdminSite::start() {
  worker_.post([this] { listener_->start(); });
  worker_.start();
}

void AdminSite::stop() noexcept {
  socket_.remove();
  worker_.stop();
  worker_.join();
  worker_.discard();
}

}  // namespace freshet
