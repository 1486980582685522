#include "store/input_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace cowatch {

struct InputStream::Source {
  explicit Source(const Path& p) : path(p), map(p) {}
  virtual ~Source() = default;
  virtual size_t read(char* buffer, size_t size) = 0;
  virtual bool compressed() const { return true; }
  [[noreturn]] void damaged(const std::string& what) const {
    throw Error(
        ErrorCode::bad_input, "the compressed file is damaged: " + what,
        {.where = path.string() + ", byte " + std::to_string(at), .remedy = "Get or make the file again."});
  }
  std::span<const std::byte> rest() const { return map.bytes().subspan(at); }

  Path path;
  MappedFile map;
  size_t at = 0;
};

namespace {

struct PlainSource : InputStream::Source {
  using Source::Source;
  size_t read(char* buffer, size_t size) override {
    const size_t count = std::min(size, rest().size());
    if (count > 0) std::memcpy(buffer, rest().data(), count);
    at += count;
    return count;
  }
  bool compressed() const override { return false; }
};

struct GzipSource : InputStream::Source {
  explicit GzipSource(const Path& p) : Source(p) {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipSource() override { inflateEnd(&stream); }

  size_t read(char* buffer, size_t size) override {
    stream.next_out = reinterpret_cast<Bytef*>(buffer);
    stream.avail_out = static_cast<uInt>(std::min(size, size_t{1} << 30));
    const uInt wanted = stream.avail_out;
    while (stream.avail_out == wanted) {
      if (ended && rest().empty()) return 0;
      if (ended) {  // gzip files may be put one behind the other
        inflateReset(&stream);
        ended = false;
      }
      if (rest().empty()) damaged("it ends too early");
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest().data()));
      stream.avail_in = static_cast<uInt>(std::min(rest().size(), size_t{1} << 30));
      const uInt offered = stream.avail_in;
      const int code = inflate(&stream, Z_NO_FLUSH);
      at += offered - stream.avail_in;
      if (code == Z_STREAM_END) {
        ended = true;
      } else if (code != Z_OK) {
        damaged(stream.msg ? stream.msg : "not gzip");
      }
    }
    return wanted - stream.avail_out;
  }

  z_stream stream = {};
  bool ended = false;
};

struct ZstdSource : InputStream::Source {
  explicit ZstdSource(const Path& p) : Source(p), context(ZSTD_createDCtx()) {
    if (!context) throw std::bad_alloc();
  }
  ~ZstdSource() override { ZSTD_freeDCtx(context); }

  size_t read(char* buffer, size_t size) override {
    ZSTD_outBuffer out = {buffer, size, 0};
    while (out.pos == 0) {
      if (rest().empty() && hint == 0) return 0;
      if (rest().empty()) damaged("it ends too early");
      ZSTD_inBuffer in = {rest().data(), rest().size(), 0};
      hint = ZSTD_decompressStream(context, &out, &in);
      at += in.pos;
      if (ZSTD_isError(hint)) damaged(ZSTD_getErrorName(hint));
    }
    return out.pos;
  }

  ZSTD_DCtx* context;
  size_t hint = 0;
};

std::unique_ptr<InputStream::Source> make_source(const Path& path) {
  const MappedFile map(path);
  const auto starts_with = [&](std::initializer_list<unsigned> magic) {
    return map.bytes().size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), map.bytes().begin(),
                      [](unsigned a, std::byte b) { return std::byte(a) == b; });
  };
  if (starts_with({0x1f, 0x8b})) return std::make_unique<GzipSource>(path);
  if (starts_with({0x28, 0xb5, 0x2f, 0xfd})) return std::make_unique<ZstdSource>(path);
  return std::make_unique<PlainSource>(path);
}

}  // namespace

InputStream::InputStream(const Path& path) : source_(make_source(path)) {}
InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;

size_t InputStream::read(char* buffer, size_t size) {
  return source_->read(buffer, size);
}

std::string InputStream::read_all() {
  std::string text;
  constexpr size_t step = 1 << 20;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + step);
    const size_t count = read(text.data() + before, step);
    text.resize(before + count);
    if (count == 0) return text;
  }
}

uint64_t InputStream::consumed() const {
  return source_->at;
}
uint64_t InputStream::size() const {
  return source_->map.bytes().size();
}
bool InputStream::compressed() const {
  return source_->compressed();
}
const Path& InputStream::path() const {
  return source_->path;
}

void check_compression(const Path& path) {
  InputStream stream(path);
  if (!stream.compressed()) return;
  std::string buffer(1 << 18, '\0');
  while (stream.read(buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace cowatch
