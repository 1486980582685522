// `cowatch-media extract`: features, poster and preview of media files, each in a confined process.
//   --serve   answers jobs on descriptor 3 (media/worker_protocol.h), forking a confined child for each
//   FILE      one file, itself confined; prints what was found as JSON
#pragma once

namespace cowatch {

int extract_main(int argc, char** argv);

}  // namespace cowatch
