# Where Debian expects things: `cmake --install build/release --prefix /usr`.
include(GNUInstallDirs)
install(TARGETS freshet RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
