// Files of others: what is in them comes in, and goes out again; what cannot be read is refused with its place.
#include "search/io/vector_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "math/float16.h"
#include "math/vectors.h"
#include "search/point_files.h"
#include "support/temporary_folder.h"
#include "support/vector_files.h"

namespace cowatch {
namespace {

using test::VectorTable;
using testing::AllOf;
using testing::HasSubstr;

struct VectorFiles : testing::Test {
  test::TemporaryFolder folder;
  const VectorTable table = VectorTable::of(600, 7);

  VectorTable read(const Path& path, const std::string& name = "") {
    VectorTable all;
    read_vectors(vector_format_of(path), path, name, [&](size_t first, ConstMatrix rows) {
      EXPECT_EQ(first, all.rows) << "blocks come in order, without a gap";
      all.rows += rows.rows, all.columns = rows.columns;
      for (size_t r = 0; r < rows.rows; ++r) all.values.insert(all.values.end(), rows.row(r).begin(), rows.row(r).end());
    });
    return all;
  }
  std::string refusal(const std::string& name, const std::string& bytes, const std::string& dataset = "") {
    return refusal_of(test::write_text(folder / name, bytes), dataset);
  }
  std::string refusal_of(const Path& path, const std::string& dataset = "") {
    try {
      read(path, dataset);
    } catch (const Error& error) {
      EXPECT_EQ(error_kind(error.code()).exit_status, 2) << error.what();
      return error.what();
    }
    return "it was accepted";
  }
  std::unique_ptr<Collection> collection(Metric metric = Metric::l2) {
    Collection::create(folder / "c", {.dimension = table.columns, .index = {.metric = metric}});
    return std::make_unique<Collection>(folder / "c");
  }
};

TEST_F(VectorFiles, every_format_holds_the_same_table) {
  for (const std::string& name : test::vector_file_names) {
    if (name.find(".jsonl") != name.npos) continue;
    const VectorTable found = read(test::write_vector_file(folder.path(), name, table));
    EXPECT_EQ(found.columns, table.columns) << name;
    EXPECT_EQ(found.values, table.values) << name;
  }
}

TEST_F(VectorFiles, every_format_comes_into_a_collection_and_goes_out_again) {
  const auto points = collection();
  for (const std::string& name : test::vector_file_names) {
    size_t heard = 0;
    const Path path = test::write_vector_file(folder.path(), name, table);
    const auto all = [&](size_t rows) { EXPECT_EQ(std::pair(rows, heard), std::pair(table.rows, size_t{0})) << "known before the first is written"; };
    EXPECT_EQ(import_points(*points, {.path = path}, [&](size_t more) { heard += more; }, all), table.rows) << name;
    EXPECT_EQ(heard, table.rows) << name;
    EXPECT_EQ(points->view()->count(), table.rows) << name;
    for (const char* out : {"out.npy", "out.fvecs", "out.bvecs", "out.safetensors", "out.hdf5", "out.h5"}) {
      EXPECT_EQ(export_points(*points->view(), table.columns, folder / out), table.rows);
      EXPECT_EQ(read(folder / out).values, table.values) << name << " to " << out;
    }
    points->write([&](const CollectionView& view) {
      std::vector<PointChange> changes;
      for (const PointPlace at : view.in_order(PointId(0), view.count(), view.select(nullptr)))
        changes.push_back({view.id_of(at), true, {}, ""});
      return changes;
    });
  }
}

// Several blocks of HDF5, none, and what a byte does not hold.
TEST_F(VectorFiles, tables_of_any_size_go_out) {
  for (const size_t rows : {0, 1, 200'000}) {
    const VectorTable large = VectorTable::of(rows, 7);
    const auto fill = [&](size_t r, std::span<float> values) { std::ranges::copy(large.row(r), values.begin()); };
    for (const char* out : {"large.hdf5", "large.npy", "large.safetensors"}) {
      write_vectors(folder / out, rows, 7, fill);
      EXPECT_EQ(read(folder / out).values, large.values) << out << ", " << rows;
    }
  }
  const auto refused = [&](const char* out, float number) {
    try {
      write_vectors(folder / out, 3, 2, [&](size_t r, std::span<float> values) { std::ranges::fill(values, r == 2 ? number : 7.0f); });
    } catch (const Error& error) {
      EXPECT_FALSE(std::filesystem::exists(folder / out));
      EXPECT_FALSE(std::filesystem::exists(folder / (std::string(out) + ".partial")));
      return std::string(error.what());
    }
    return std::string("it was written");
  };
  for (const float number : {-1.0f, 256.0f, 0.5f, NAN, INFINITY})
    EXPECT_THAT(refused("a.bvecs", number), AllOf(HasSubstr("a.bvecs, row 2"), HasSubstr("expected 0 to 255"))) << number;
  EXPECT_EQ(refused("a.bvecs", 255), "it was written");
  EXPECT_THAT(refused("none/a.hdf5", 1), HasSubstr("none/a.hdf5"));
}

TEST_F(VectorFiles, tensors_without_a_sensible_width_are_refused) {
  const auto of_shape = [&](const std::string& shape, const std::string& bytes) {
    std::string header = R"({"vectors":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[0,)" + std::to_string(bytes.size()) + "]}}";
    const uint64_t length = header.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + bytes;
  };
  const auto expected = AllOf(HasSubstr("tensor vectors"), HasSubstr("1 to 65536 columns"));
  EXPECT_THAT(refusal("endless.safetensors", of_shape("2305843009213693952,0", "")), expected);
  EXPECT_THAT(refusal("none.safetensors", of_shape("3,0", "")), expected);
  EXPECT_THAT(refusal("wide.safetensors", of_shape("1,65537", std::string(65537 * 4, '\0'))), expected);
  EXPECT_EQ(refusal("widest.safetensors", of_shape("1,65536", std::string(65536 * 4, '\0'))), "it was accepted");
}

TEST_F(VectorFiles, lines_keep_ids_and_payloads) {
  const auto points = collection();
  import_points(*points, {.path = test::write_text(folder / "in.jsonl", test::lines_text(table))}, [](size_t) {});
  const char* uuid = "{\"id\":\"550e8400-e29b-41d4-a716-446655440000\",\"vector\":[1,2,3,4,5,6,7],\"payload\":{\"a\":{\"b\":[1,null,\"x\"]}}}\n";
  import_points(*points, {.path = test::write_text(folder / "more.jsonl", uuid)}, [](size_t) {});
  export_points(*points->view(), table.columns, folder / "out.jsonl");
  const std::string out = read_text(folder / "out.jsonl");
  std::vector<Json> lines;
  for (size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) lines.push_back(Json::parse(out.substr(at, out.find('\n', at) - at)));
  ASSERT_EQ(lines.size(), table.rows + 1);
  for (size_t r = 0; r < table.rows; ++r) {
    EXPECT_EQ(lines[r]["id"], r);
    EXPECT_EQ(lines[r]["payload"]["even"], r % 2 == 0);
    EXPECT_EQ(lines[r]["vector"][0], table.row(r)[0]);
  }
  EXPECT_EQ(lines.back(), Json::parse(uuid));
}

TEST_F(VectorFiles, of_two_lines_of_one_id_the_later_holds) {
  const auto points = collection();
  const std::string line = R"({"id":3,"vector":[1,1,1,1,1,1,1],"payload":{"n":)";
  import_points(*points, {.path = test::write_text(folder / "in.jsonl", line + "1}}\n" + line + "2}}\n")}, [](size_t) {});
  const auto view = points->view();
  ASSERT_EQ(view->count(), 1u);
  const auto at = view->find(PointId(3));
  EXPECT_EQ(view->tables[at->table].table->payload_of(at->slot)["n"], 2);
}

// Before the first row is written: nothing is in then.
TEST_F(VectorFiles, quotas_and_ids_that_do_not_suffice_are_found_first) {
  const auto points = collection();
  CollectionConfig config = points->config();
  config.most_points = 2600;
  points->configure(config);
  const auto refused = [&](const PointFile& file) {
    const auto before = points->view()->count();
    try {
      import_points(*points, file, [](size_t) {});
    } catch (const Error& error) {
      EXPECT_EQ(error_kind(error.code()).exit_status, 2);
      EXPECT_EQ(points->view()->count(), before);
      return std::string(error.what());
    }
    return std::string("it was accepted");
  };
  const Path large = test::write_vector_file(folder.path(), "a.npy", VectorTable::of(2700, 7));
  const Path few = test::write_vector_file(folder.path(), "b.fvecs", table);
  EXPECT_THAT(refused({.path = large}), AllOf(HasSubstr("at most 2600 beside the 0"), HasSubstr("Nothing was imported")));
  import_points(*points, {.path = few, .first_id = 100}, [](size_t) {});
  EXPECT_THAT(refused({.path = large}), HasSubstr("at most 2000 beside the 600"));
  EXPECT_THAT(refused({.path = few, .first_id = UINT64_MAX - 598}), AllOf(HasSubstr("--first-id"), HasSubstr("Nothing")));
  import_points(*points, {.path = few, .first_id = UINT64_MAX - 599}, [](size_t) {});
  import_points(*points, {.path = few, .first_id = 100}, [](size_t) {});  // none of them is new
  EXPECT_EQ(points->view()->count(), 1200u);
}

TEST_F(VectorFiles, whoever_stops_an_import_hears_what_is_in) {
  const auto points = collection();
  const Path path = test::write_vector_file(folder.path(), "a.npy", VectorTable::of(5000, 7));
  try {
    import_points(*points, {.path = path}, [&](size_t) { throw Error(ErrorCode::interrupted, "stopped on request"); });
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("2000 of 5000 rows were imported; the same command brings in all"));
  }
  EXPECT_EQ(points->view()->count(), 2000u);
  import_points(*points, {.path = path}, [](size_t) {});
  EXPECT_EQ(points->view()->count(), 5000u);
}

TEST_F(VectorFiles, all_wrong_lines_are_named_whatever_is_wrong_with_them) {
  const auto points = collection();
  const std::string good = R"({"id":1,"vector":[1,2,3,4,5,6,7]})";
  const std::string lines = good + "\n{\"id\":2,\"vector\":[1]}\n" + good + "\n{\"id\n" + good + "\n{\"id\":5}\n";
  try {
    import_points(*points, {.path = test::write_text(folder / "in.jsonl", lines)}, [](size_t) {});
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("in.jsonl, line 2: "), HasSubstr("expected 7 numbers, found 1"),
                                    HasSubstr("Wrong rows: 3 of 6, also line 4; line 6")));
  }
  EXPECT_EQ(points->view()->count(), 0u);
}

TEST_F(VectorFiles, cut_and_foreign_files_are_refused_with_their_place) {
  for (const std::string& name : test::vector_file_names) {
    if (name.find(".jsonl") != name.npos) continue;
    const Path whole = test::write_vector_file(folder.path(), name, table);
    const std::string bytes = read_text(whole);
    // One byte behind a row's end: .fvecs and .bvecs have no length, a cut between rows makes a whole file of them.
    for (const double share : {0.02, 0.5, 0.98})
      EXPECT_THAT(refusal("cut-" + name, bytes.substr(0, static_cast<size_t>(share * static_cast<double>(bytes.size())) + 1)),
                  HasSubstr("cut-" + name))
          << share;
    EXPECT_THAT(refusal("empty-" + name, ""), HasSubstr("empty-" + name));
  }
  EXPECT_THAT(refusal("a.csv", "1,2"), HasSubstr("expected .npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl"));
}

// The header of others need not end at a multiple of the numbers' size.
TEST_F(VectorFiles, safetensors_without_padding_are_read) {
  const std::string padded = test::safetensors_text(table, "vectors");
  uint64_t length = 0;
  std::memcpy(&length, padded.data(), sizeof length);
  const std::string data = padded.substr(8 + length);
  std::string header = padded.substr(8, length);
  header.resize(header.find_last_not_of(' ') + 1);
  for (int spaces = 0; spaces < 4; ++spaces, header += ' ') {
    length = header.size();
    const std::string text = test::bytes_of(&length, sizeof length) + header + data;
    EXPECT_EQ(read(test::write_text(folder / "a.safetensors", text)).values, table.values) << spaces;
  }
}

TEST_F(VectorFiles, what_is_wrong_with_a_users_file_is_said_in_words_for_it) {
  std::string text = test::safetensors_text(table, "vectors");
  text.resize(text.size() - 100);
  const std::string cut = refusal("a.safetensors", text);
  EXPECT_THAT(cut, AllOf(HasSubstr("a.safetensors: this is not a whole safetensors file"), HasSubstr("does not lie inside"),
                         testing::Not(HasSubstr("stage"))));
  std::string npy = read_text(test::write_vector_file(folder.path(), "a.npy", table));
  std::string fortran = npy;
  fortran.replace(fortran.find("False, "), 7, "True,  ");
  EXPECT_THAT(refusal("a.npy", fortran), HasSubstr("numpy.ascontiguousarray(array, dtype='float32')"));
  npy.replace(npy.find("(600, 7), }"), 11, "(4200,), } ");
  EXPECT_THAT(refusal("a.npy", npy), AllOf(HasSubstr("the array has one dimension"), HasSubstr("reshape")));
}

// Their squares are no floats; their direction is as good as any.
TEST_F(VectorFiles, small_numbers_have_a_direction) {
  const auto points = collection(Metric::cosine);
  VectorTable small = table;
  for (float& number : small.values) number *= 1e-30f;
  import_points(*points, {.path = test::write_vector_file(folder.path(), "a.npy", small)}, [](size_t) {});
  const auto view = points->view();
  for (const uint64_t row : {0, 99, 599}) {
    const auto at = view->find(PointId(row));
    ASSERT_TRUE(at);
    std::vector<float> unit(table.row(row).begin(), table.row(row).end());
    normalise(unit);
    EXPECT_THAT(view->tables[at->table].table->vector_of(at->slot), testing::Pointwise(testing::FloatNear(1e-6f), unit));
  }
}

TEST_F(VectorFiles, another_byte_order_or_version_is_named) {
  std::string swapped = test::vecs_text<float>(table);
  std::reverse(swapped.begin(), swapped.begin() + 4);
  EXPECT_THAT(refusal("a.fvecs", swapped), AllOf(HasSubstr("byte 0"), HasSubstr("byte order")));
  std::string uneven = test::vecs_text<float>(table);
  uneven[(4 + 7 * 4) * 3] = 6;
  EXPECT_THAT(refusal("a.fvecs", uneven), AllOf(HasSubstr("row 3"), HasSubstr("expected 7, found 6")));
  std::string npy = read_text(test::write_vector_file(folder.path(), "a.npy", table));
  std::string big = npy;
  big[big.find("<f4")] = '>';
  EXPECT_THAT(refusal("a.npy", big), HasSubstr("found '>f4'"));
  npy[6] = 9;
  EXPECT_THAT(refusal("a.npy", npy), HasSubstr("expected version 1, 2 or 3, found 9"));
  EXPECT_THAT(refusal("a.safetensors", test::safetensors_text(table, "other")), HasSubstr("--name"));
  EXPECT_EQ(read(folder / "a.safetensors", "other").values, table.values);
  EXPECT_THAT(refusal_of(test::write_hdf5(folder / "a.hdf5", table, "test")), HasSubstr("'train'"));
  EXPECT_EQ(read(folder / "a.hdf5", "test").values, table.values);
}

// The library of HDF5 crashes on some damaged files; whoever asked for the rows is told, and goes on.
TEST_F(VectorFiles, a_damaged_hdf5_file_ends_nobody) {
  const std::string whole = read_text(test::write_hdf5(folder / "whole.hdf5", table, "train"));
  size_t refused = 0;
  const auto look_at = [&](const std::string& bytes) {
    const Path path = test::write_text(folder / "damaged.hdf5", bytes);
    try {
      read_vectors(VectorFormat::hdf5, path, "", [](size_t, ConstMatrix) {});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      ++refused;
    }
  };
  for (size_t at = 0; at < whole.size(); at += std::max<size_t>(1, whole.size() / 150)) {
    look_at(whole.substr(0, at));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0xff);
    look_at(flipped);
  }
  EXPECT_GT(refused, 150u);  // every one that is cut off
}

TEST_F(VectorFiles, halves_are_widened_block_by_block) {
  const auto many = test::VectorTable::of(5000, 7);  // two blocks
  std::vector<uint16_t> halves(many.values.size());
  halves_from_floats(many.values, halves);
  const std::string text = test::safetensors_text(many, "features", "F16", halves);
  EXPECT_EQ(read(test::write_text(folder / "halves.safetensors", text)).values, many.values);
}

TEST_F(VectorFiles, one_wrong_row_keeps_the_whole_file_out) {
  const auto points = collection(Metric::cosine);
  const auto refused = [&](VectorTable wrong, const char* name) {
    try {
      import_points(*points, {.path = test::write_vector_file(folder.path(), name, wrong)}, [](size_t) {});
    } catch (const Error& error) {
      EXPECT_EQ(points->view()->count(), 0u);
      return std::string(error.what());
    }
    return std::string("it was accepted");
  };
  VectorTable wrong = table;
  wrong.values[20 * 7 + 3] = NAN;
  std::fill_n(wrong.values.begin() + 400 * 7, 7, 0.0f);
  for (const char* name : {"a.npy", "a.fvecs", "a.safetensors", "a.hdf5"}) {
    EXPECT_THAT(refused(wrong, name), AllOf(HasSubstr("row 20: a number is not finite"), HasSubstr("NaN at 3"), HasSubstr("Wrong rows: 2 of 600, also row 400"))) << name;
  }
  wrong.values[20 * 7 + 3] = 1;
  EXPECT_THAT(refused(wrong, "a.bvecs"), AllOf(HasSubstr("row 400: a vector of zeros has no direction"), HasSubstr("for Cosine")));
  EXPECT_THAT(refused(VectorTable::of(3, 5), "a.npy"), HasSubstr("row 0: the vector has another dimension; expected 7 numbers, found 5"));
}

TEST_F(VectorFiles, wrong_lines_are_named) {
  const auto points = collection();
  const std::string good = R"({"id":1,"vector":[1,2,3,4,5,6,7]})" "\n";
  for (const auto& [line, words] : std::initializer_list<std::pair<std::string, std::string>>{
           {"nonsense", "this is not JSON"},
           {R"({"id":1})", "this is not a point"},
           {R"({"id":-1,"vector":[1]})", "id"},
           {R"({"id":2,"vector":["a"]})", "a vector holds something else than numbers"},
           {R"({"id":2,"vector":[1e60,2,3,4,5,6,7]})", "a number is not finite"},
           {R"({"id":2,"vector":[1e999,2,3,4,5,6,7]})", "a number is too large"},
           {R"({"id":2,"vector":[1,2,3,4,5,6,7],"payload":[]})", "a payload is an object"},
           {std::string(100, '['), "nested too deeply"},
           {R"({"id":2,"vector":[1,2]})", "expected 7 numbers, found 2"}}) {
    try {
      import_points(*points, {.path = test::write_text(folder / "in.jsonl", good + line + "\n")}, [](size_t) {});
      ADD_FAILURE() << line << " was accepted";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("in.jsonl, line 2"), HasSubstr(words)));
    }
    EXPECT_EQ(points->view()->count(), 0u) << line;
  }
}

}  // namespace
}  // namespace cowatch
