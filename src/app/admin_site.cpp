#include "admin_site.hpp"

namespace freshet {

AdminSite::AdminSite(unsigned index, const Clock& clock, AdminOptions options)
    : worker_(index, clock), service_(make_admin_service(std::move(options))) {
  limits_.max_connections = 256;
  options_.name = "admin";
  options_.max_request_body = 64 * 1024;
}

AdminSite::~AdminSite() { stop(); }

bool AdminSite::open(const Endpoint& bind, std::string& error) {
  auto acceptor = open_listen_socket(worker_.loop(), {bind.address, bind.port}, true, error);
  if (!acceptor.is_open()) return false;
  port_ = acceptor.local_endpoint().port();
  listener_ = make_listener(std::move(acceptor), worker_, *service_, options_, limits_, counters_, nullptr);
  return true;
}

void AdminSite::start() {
  worker_.post([this] { listener_->start(); });
  worker_.start();
}

void AdminSite::stop() noexcept {
  worker_.stop();
  worker_.join();
  worker_.discard();
}

}  // namespace freshet
