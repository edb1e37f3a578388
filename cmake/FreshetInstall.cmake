# Where Debian expects things: `cmake --install build/release --prefix /usr` (DESTDIR is respected).
# With the prefix /usr, configuration goes to /etc. The prefix may be given as late as at install time: hence the code below.
include(GNUInstallDirs)

install(TARGETS freshet RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${PROJECT_SOURCE_DIR}/conf/freshet.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/docs/freshet.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md ${PROJECT_SOURCE_DIR}/LICENSE
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/freshet)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/freshet
        FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "why" EXCLUDE)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/freshet)

install(CODE "
  set(etc \"\${CMAKE_INSTALL_PREFIX}/etc\")
  if(CMAKE_INSTALL_PREFIX STREQUAL \"/usr\")
    set(etc /etc)
  endif()
  # An operator's files stay as they are.
  foreach(pair \"freshet.yaml|freshet/freshet.yaml\" \"default|default/freshet\")
    string(REGEX REPLACE \"[|].*\" \"\" from \"\${pair}\")
    string(REGEX REPLACE \".*[|]\" \"\" to \"\${pair}\")
    set(target \"\${etc}/\${to}\")
    if(EXISTS \"\$ENV{DESTDIR}\${target}\")
      message(STATUS \"Kept: \$ENV{DESTDIR}\${target}\")
    else()
      get_filename_component(directory \"\${target}\" DIRECTORY)
      get_filename_component(name \"\${target}\" NAME)
      file(INSTALL \"${PROJECT_SOURCE_DIR}/conf/\${from}\" DESTINATION \"\${directory}\" RENAME \"\${name}\")
    endif()
  endforeach()
")
