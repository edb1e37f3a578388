#include "admin_site.hpp"

#include "privileges.hpp"

namespace freshet {

AdminSite::AdminSite(unsigned index, const Clock& clock, AdminOptions options)
    : worker_(index, clock), service_(make_admin_service(std::move(options))) {
  limits_.max_connections = 256;
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
