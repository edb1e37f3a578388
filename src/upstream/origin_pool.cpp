#include "freshet/upstream/origin_pool.hpp"

#include "asking.hpp"
#include "freshet/upstream/dialler.hpp"

namespace freshet {
namespace {

class PooledOrigins final : public OriginPool {
 public:
  PooledOrigins(OriginPoolOptions options, Worker& worker, Resolver& resolver, WorkerCounters& counters,
                std::string pseudonym, std::unique_ptr<Dialler> dialler,
                const std::vector<boost::asio::ip::address>& local)
      : options_(std::move(options)),
        pseudonym_(std::move(pseudonym)),
        connector_(resolver, worker, std::move(dialler), OwnAddresses(options_.own_addresses, local),
                   options_.timeouts.connect),
        idle_(make_ref<IdlePool>(options_, worker.deadlines(), counters)),
        worker_(worker),
        origins_{options_, worker_, connector_, *idle_, balances_, pseudonym_} {
    ENSURE(counters.upstream.size() == options_.upstreams.size() + 1);
    for (const OriginUpstream& upstream : options_.upstreams)
      balances_.push_back(std::make_unique<Balance>(upstream.servers.size(), upstream.set_aside, worker.index()));
  }
  // Exchanges that go on without the pool must not put connections into it.
  ~PooledOrigins() override { idle_->close_all(); }

  Task<Reply> serve(Request& request) override { return Asking::serve(origins_, request); }

  bool server_healthy(std::size_t upstream, std::size_t server) const noexcept override {
    return balances_[upstream]->healthy(server, worker_.clock().now().steady);
  }
  std::size_t idle() const noexcept override { return idle_->size(); }
  void close_idle() noexcept override { idle_->close_all(); }

 private:
  const OriginPoolOptions options_;
  const std::string pseudonym_;
  Connector connector_;
  const Ref<IdlePool> idle_;
  Worker& worker_;
  std::vector<std::unique_ptr<Balance>> balances_;
  const Origins origins_;
};

}  // namespace

std::unique_ptr<OriginPool> make_origin_pool(OriginPoolOptions options, Worker& worker, Resolver& resolver,
                                             WorkerCounters& counters, std::string pseudonym,
                                             std::unique_ptr<Dialler> dialler,
                                             const std::vector<boost::asio::ip::address>& local) {
  return std::make_unique<PooledOrigins>(std::move(options), worker, resolver, counters, std::move(pseudonym),
                                         std::move(dialler), local);
}

std::unique_ptr<OriginPool> make_origin_pool(OriginPoolOptions options, Worker& worker, Resolver& resolver,
                                             WorkerCounters& counters, std::string pseudonym) {
  return make_origin_pool(std::move(options), worker, resolver, counters, std::move(pseudonym),
                          make_tcp_dialler(worker), local_addresses());
}

}  // namespace freshet
