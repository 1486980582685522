#include "search/embedding_index.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "math/vectors.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t videos = 300, embedding_width = 8;
constexpr uint32_t not_embedded = 70;

// A file as `cowatch embed` writes it, or as its former versions did: without codes.
class Embeddings {
 public:
  explicit Embeddings(bool coded) : path_(folder_ / "embeddings.safetensors") {
    for (size_t v = 0; v < videos; ++v) normalise(std::span(values_).subspan(v * embedding_width, embedding_width));
    std::fill_n(values_.begin() + not_embedded * embedding_width, embedding_width, 0.0f);
    write(coded ? videos : 0);
  }
  void write(size_t coded) const {
    std::vector<uint8_t> records(videos * RowCodes::record_bytes(embedding_width));
    std::vector<float> errors(videos);
    RowCodes::encode_rows(ConstMatrix(values_.data(), videos, embedding_width), records, errors);
    TensorFileWriter writer("embeddings", 1);
    writer.set("model", "of the test");
    writer.add<float>("embeddings", {videos, embedding_width}, values_);
    if (coded > 0) {
      writer.add<uint8_t>("codes", {coded, RowCodes::record_bytes(embedding_width)},
                          std::span(records).first(coded * RowCodes::record_bytes(embedding_width)));
      writer.add<float>("code_errors", {coded}, std::span(errors).first(coded));
    }
    writer.write(path_);
  }
  const Path& path() const { return path_; }

 private:
  test::TemporaryFolder folder_;
  Path path_;
  std::vector<float> values_ = test::random_values(videos * embedding_width, 4);
};

TEST(EmbeddingIndexTest, AnswersAllEmbeddedVideosButTheExcludedWithAndWithoutCodes) {
  for (const bool coded : {true, false}) {
    const Embeddings embeddings(coded);
    const auto index = EmbeddingIndex::open(embeddings.path());
    EXPECT_EQ(index.model(), "of the test");
    EXPECT_FALSE(index.embedded(not_embedded));
    const auto query = index.row(3);
    const auto found = index.search(query, videos);
    ASSERT_EQ(found.size(), videos - 1);  // the opposite of the query too, but not the zeros
    for (const Scored& video : found) {
      EXPECT_NE(video.index, not_embedded);
      EXPECT_NEAR(video.score, dot(query, index.row(video.index)), 1e-5);
    }
    EXPECT_EQ(found[0].index, 3u);
    const auto others = index.search(query, 5, {3, found[1].index, 100'000});
    ASSERT_EQ(others.size(), 5u);
    EXPECT_EQ(others[0].index, found[2].index);
    EXPECT_EQ(index.search_batch(ConstMatrix(query.data(), 1, embedding_width), 2).at(0).at(1).index, found[1].index);
    EXPECT_THROW(index.search(query.first(3), 5), Error);
  }
}

TEST(EmbeddingIndexTest, NamesWhatIsMissingOrDoesNotFit) {
  const Embeddings embeddings(true);
  embeddings.write(videos - 1);
  try {
    EmbeddingIndex::open(embeddings.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged);
  }
  try {
    EmbeddingIndex::open(embeddings.path().parent_path() / "none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing_stage);
  }
}

}  // namespace
}  // namespace cowatch
