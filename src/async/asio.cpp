// Asio's own translation unit: with BOOST_ASIO_SEPARATE_COMPILATION the library is compiled here, once.
#include <boost/asio/impl/src.hpp>
