# The page: built by npm into build/PRESET/share/web, from where `cowatch serve` takes it.
option(COWATCH_PAGE "Build the page (needs node and npm)" ON)
if(NOT COWATCH_PAGE)
  return()
endif()
find_program(NPM npm REQUIRED)

set(web_root ${CMAKE_SOURCE_DIR}/web)
set(web_made ${CMAKE_BINARY_DIR}/web)
set(web_setup ${web_root}/package.json ${web_root}/package-lock.json ${web_root}/.npmrc)
file(GLOB_RECURSE web_sources CONFIGURE_DEPENDS ${web_root}/src/* ${web_root}/public/*)
list(APPEND web_sources ${web_root}/index.html ${web_root}/tsconfig.json ${web_root}/vite.config.js)

# npm installs beside package.json; a copy in the build folder keeps the source tree clean and presets apart.
add_custom_command(
  OUTPUT ${web_made}/installed.stamp
  COMMAND ${CMAKE_COMMAND} -E make_directory ${web_made}
  COMMAND ${CMAKE_COMMAND} -E copy ${web_setup} ${web_made}
  COMMAND ${CMAKE_COMMAND} -E chdir ${web_made} ${NPM} ci --silent
  COMMAND ${CMAKE_COMMAND} -E touch ${web_made}/installed.stamp
  DEPENDS ${web_setup}
  COMMENT "Installing what builds the page"
  VERBATIM)
add_custom_command(
  OUTPUT ${web_made}/built.stamp
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${web_made}/src ${web_made}/test ${web_made}/public ${web_made}/dist
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_root}/src ${web_made}/src
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_root}/public ${web_made}/public
  COMMAND ${CMAKE_COMMAND} -E copy ${web_root}/index.html ${web_root}/tsconfig.json ${web_root}/vite.config.js ${web_made}
  COMMAND ${CMAKE_COMMAND} -E chdir ${web_made} ${NPM} run build --silent
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/share/web
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${web_made}/dist ${CMAKE_BINARY_DIR}/share/web
  COMMAND ${CMAKE_COMMAND} -E touch ${web_made}/built.stamp
  DEPENDS ${web_made}/installed.stamp ${web_sources}
  COMMENT "Building the page"
  VERBATIM)
add_custom_target(page ALL DEPENDS ${web_made}/built.stamp)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/web DESTINATION share/cowatch OPTIONAL)
