#include "pipeline/import_stage.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "store/import/data_sets.h"
#include "support/catalogue_dump.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::dump_catalogue;
using test::write_gzip;
using test::write_npy;
using test::write_text;
using test::write_zstd;
using testing::ElementsAre;
using testing::HasSubstr;

struct Import : testing::Test {
  test::TemporaryFolder folder;
  Path place = folder / "ws";
  std::string explained;

  Path write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    return write_text(folder / name, text);
  }
  static ImportRequest events(const Path& file) {
    return {.events = {file},
            .videos = {},
            .features = {},
            .feature_ids = {},
            .format = "",
            .data = {},
            .options = {}};
  }
  static ImportRequest videos(const Path& file) {
    ImportRequest request = events(file);
    std::swap(request.events, request.videos);
    return request;
  }
  ImportRequest set(const std::string& format, const Path& data) const {
    ImportRequest request;
    request.format = format, request.data = data;
    return request;
  }
  ImportOutcome run(ImportRequest request) {
    set_progress_style(ProgressStyle::quiet);
    request.options.explain = [&](const std::string& text) { explained += text + "\n"; };
    return run_import(Workspace::open_or_create(place), request);
  }
  std::string dump() const { return dump_catalogue(place / "catalogue.sqlite"); }
  Catalogue catalogue() const { return {place / "catalogue.sqlite", Catalogue::Mode::read}; }
  std::string rejects(const std::string& file) const {
    return read_text(place / "rejects" / (file + ".tsv"));
  }

  // What import says of files that cannot be used; nothing may have been written.
  Error refusal(const ImportRequest& request) {
    const std::string before = dump();
    try {
      run(request);
    } catch (const Error& error) {
      EXPECT_EQ(before.empty() ? "" : dump(), before) << error.what();
      EXPECT_FALSE(error.details().where.empty()) << error.what();
      EXPECT_FALSE(error.details().remedy.empty()) << error.what();
      return error;
    }
    ADD_FAILURE() << "it was imported";
    return Error(ErrorCode::internal, "");
  }
  // Imports twice: the first run's counts; the second must find everything there and change nothing.
  ImportCounts counts_of(const ImportRequest& request) {
    const ImportCounts counts = run(request).counts;
    EXPECT_EQ(counts.read, counts.accepted + counts.duplicate + counts.rejected);
    const std::string once = dump();
    const ImportCounts again = run(request).counts;
    EXPECT_EQ(again.accepted, 0u);
    EXPECT_EQ(again.read, counts.read);
    EXPECT_EQ(again.rejected, counts.rejected);
    EXPECT_EQ(dump(), once);
    return counts;
  }
};

void expect_counts(const ImportCounts& counts, uint64_t accepted, uint64_t duplicate, uint64_t rejected) {
  EXPECT_EQ(counts.accepted, accepted);
  EXPECT_EQ(counts.duplicate, duplicate);
  EXPECT_EQ(counts.rejected, rejected);
}

// --- tables ---

constexpr const char* log_csv =
    "user_id,video_id,timestamp,watch_time,duration\n"
    "ann,x,2024-05-01T10:00:00Z,3.5,60\n"
    "bob,y,1714557600,,\n"
    "ann,x,2024-05-01T10:00:00Z,3.5,60\n"
    "cid,y,2024-02-31,1,60\n"
    ",y,2024-05-01,1,60\n";

TEST_F(Import, CountsAddUpInEveryTableFormatAndCompression) {
  std::string tsv = log_csv;
  std::replace(tsv.begin(), tsv.end(), ',', '\t');
  const std::string jsonl =
      R"({"user_id":"ann","video_id":"x","timestamp":"2024-05-01T10:00:00Z","watch_time":3.5,"duration":60})"
      "\n"
      R"({"user_id":"bob","video_id":"y","timestamp":1714557600})"
      "\n"
      R"({"user_id":"ann","video_id":"x","timestamp":"2024-05-01T10:00:00Z","watch_time":3.5,"duration":60})"
      "\n"
      R"({"user_id":"cid","video_id":"y","timestamp":"2024-02-31"})"
      "\n{\"video_id\":\"y\"}\n";
  std::string first;
  for (const auto& [ending, text] :
       {std::pair(".csv", std::string(log_csv)), std::pair(".tsv", tsv), std::pair(".jsonl", jsonl)}) {
    for (int compression = 0; compression < 3; ++compression) {
      const std::string name = std::string("log") + ending;
      const Path file = compression == 0   ? write_text(folder / name, text)
                        : compression == 1 ? write_gzip(folder / (name + ".gz"), text)
                                           : write_zstd(folder / (name + ".zst"), text);
      place = folder / ("ws" + file.filename().string());
      expect_counts(counts_of(events(file)), 2, 1, 2);
      if (first.empty()) first = dump();
      EXPECT_EQ(dump(), first) << file;  // one data set, nine spellings, one store
    }
  }
  EXPECT_THAT(explained, HasSubstr("item = video_id"));
  EXPECT_THAT(explained, HasSubstr("bob | y | 1714557600"));
}

TEST_F(Import, KeepsEveryKindOfFeedback) {
  expect_counts(counts_of(events(write("log.jsonl",
                                       R"({"user":"u","item":"v","kind":"impression","time":1700000000}
{"user":"u","item":"v","kind":"watch","time":1700000001,"watched_ms":4000,"length_ms":16000}
{"user":"u","item":"v","kind":"watch","time":1700000002,"portion":0.5}
{"user":"u","item":"v","kind":"click","time":1700000003}
{"user":"u","item":"v","kind":"like","time":1700000004}
{"user":"u","item":"v","kind":"dislike","time":1700000005}
{"user":"u","item":"v","kind":"hide","time":1700000006}
{"user":"u","item":"v","kind":"share","time":1700000007}
{"user":"u","item":"v","kind":"follow","time":1700000008}
{"user":"u","item":"v","kind":"search","time":1700000009,"query":"red panda"}
{"user":"u","item":"v","kind":"comment","time":1700000010,"comment":"so \"cute\"\nand red"}
{"user":"u","item":"v","kind":"hashtag","time":1700000011,"hashtag":"#panda"}
)"))),
                12, 0, 0);
  auto stored = catalogue().user_events("u", 20);
  std::reverse(stored.begin(), stored.end());
  ASSERT_EQ(stored.size(), 12u);
  EXPECT_EQ(stored[0].kind, FeedbackKind::impression);
  EXPECT_EQ(stored[1].watched_ms, 4000);
  EXPECT_EQ(stored[1].length_ms, 16000);
  EXPECT_EQ(stored[2].portion, 0.5);
  for (size_t i = 3; i < 12; ++i) EXPECT_EQ(stored[i].kind, static_cast<FeedbackKind>(i - 1));
  EXPECT_EQ(stored[9].item, "v");  // the video that was clicked
  for (size_t i = 9; i < 12; ++i) EXPECT_EQ(stored[i].text.empty(), i > 9) << i;
}

TEST_F(Import, SaysWhereEachRejectStandsAndGoesOn) {
  const auto outcome = run(events(write("log.csv", log_csv)));
  EXPECT_EQ(
      rejects("log.csv"),
      "line\tcolumn\texpected\tfound\trow\n"
      "5\ttimestamp\tUnix seconds or milliseconds, or ISO 8601, from 1990 to 2100\t'2024-02-31'\tcid | y | "
      "2024-02-31 | 1 | 60\n"
      "6\tuser_id\t1 to 512 bytes\tan empty cell\ty | 2024-05-01 | 1 | 60\n");
  EXPECT_THAT(outcome.reject_samples,
              ElementsAre(HasSubstr("log.csv, line 5, column timestamp"), HasSubstr("line 6")));
  // A corrected file leaves no rejects of before.
  run(events(write("log.csv", "user_id,video_id\nann,x\n")));
  EXPECT_FALSE(std::filesystem::exists(place / "rejects" / "log.csv.tsv"));
}

TEST_F(Import, FilesOfOneNameKeepTheirRejectsApart) {
  ImportRequest both = events(write("a/log.csv", "user,item\nann,\n"));
  both.events.push_back(write("b/log.csv", "user,item\n,x\n"));
  expect_counts(counts_of(both), 0, 0, 2);
  EXPECT_THAT(rejects("log.csv"), HasSubstr("2\titem\t"));
  EXPECT_THAT(rejects("log.csv-2"), HasSubstr("2\tuser\t"));
  write_text(place / "rejects/log.csv-old.tsv", "of another table");
  // Corrected, and less of them.
  run(events(write("a/log.csv", "user,item\nann,x\n")));
  EXPECT_FALSE(std::filesystem::exists(place / "rejects/log.csv.tsv"));
  EXPECT_FALSE(std::filesystem::exists(place / "rejects/log.csv-2.tsv"));
  EXPECT_TRUE(std::filesystem::exists(place / "rejects/log.csv-old.tsv"));
}

TEST_F(Import, AColumnNamedForAKindOfFeedbackTellsTheKind) {
  const std::vector<std::pair<std::string, FeedbackKind>> kinds = {{"comment", FeedbackKind::comment},
                                                                   {"Query", FeedbackKind::search},
                                                                   {"hash_tag", FeedbackKind::hashtag},
                                                                   {"tag", FeedbackKind::hashtag},
                                                                   {"text", FeedbackKind::watch}};
  for (const auto& [column, kind] : kinds) {
    place = folder / ("ws" + column);
    const Path log = write(column + ".csv", "user,item," + column + "\nann,x,nice\n");
    explained.clear();
    run(events(log));
    EXPECT_EQ(catalogue().event_counts()[kind], 1u) << column;
    EXPECT_EQ(explained.find("--kind says otherwise") != explained.npos, kind != FeedbackKind::watch);
    ImportRequest said = events(log);
    said.options.kind = FeedbackKind::like;
    run(said);
    EXPECT_EQ(catalogue().event_counts()[FeedbackKind::like], 1u) << column;
  }
  // A log of watching in which people also comment is one of watching.
  place = folder / "watches";
  run(events(write("w.csv", "user,item,watch_time,comment\nann,x,3,nice\n")));
  EXPECT_EQ(catalogue().event_counts()[FeedbackKind::watch], 1u);
}

TEST_F(Import, ReadsBothTablesWithChosenColumns) {
  ImportRequest request = events(write("log.csv", "who,what\nann,x\n"));
  request.videos = {write("videos.csv", "key;name\nx;An X\n")};
  request.options.columns = {{"user", "who"}, {"item", "what"}, {"id", "key"}, {"title", "2"}};
  expect_counts(counts_of(request), 2, 0, 0);
  EXPECT_EQ(catalogue().item(0)->title, "An X");
}

TEST_F(Import, AStrayQuoteCostsItsRowOnly) {
  std::string text = "user,item\n\"ann,x\n";
  for (int i = 0; i < 1000; ++i) text += "u" + std::to_string(i) + ",x\n";
  expect_counts(counts_of(events(write("log.csv", text))), 1000, 0, 1);
  EXPECT_THAT(rejects("log.csv"), HasSubstr("2\t\ta closing quote\tthe end of the file"));
}

TEST_F(Import, JsonKeysThatTurnUpLaterDoNotMoveTheColumns) {
  const Path file = write(
      "log.jsonl",
      "this is no JSON\n{\"user\":\"a\",\"video_id\":\"x\"}\n{\"user\":\"b\",\"video_id\":\"y\"}\n"
      "{\"user\":\"c\",\"video_id\":\"z\"}\n{\"user\":\"d\",\"video_id\":\"x\",\"item\":\"other\",\"time\":"
      "1700000000}\n{\"user\":\"e\",\"video_id\":\"y\"}\n");
  expect_counts(counts_of(events(file)), 5, 0, 1);
  EXPECT_EQ(catalogue().user_events("d", 1).at(0).item, "x");
  EXPECT_EQ(catalogue().user_events("d", 1).at(0).time_ms, 1700000000000);
}

// --- ready-made data sets ---

TEST_F(Import, Movielens100k) {
  write("ml/u.item", "1|Toy Story (1995)|01-Jan-1995||url|0|1\n2|Caf\xe9 (1996)|\nbroken\n");
  write("ml/u.data", "196\t1\t5\t881250949\n186\t2\t3\t891717742\n22\t1\tx\t878887116\n");
  expect_counts(counts_of(set("movielens-100k", folder / "ml")), 4, 0, 2);
  EXPECT_EQ(catalogue().item(1)->title, "Café (1996)");
  EXPECT_EQ(catalogue().event_counts()[FeedbackKind::like], 1u);
  EXPECT_THAT(rejects("u.data"), HasSubstr("3\t3\ta rating of at least 0\t'x'"));
}

TEST_F(Import, MovielensCsv) {
  write("ml/movies.csv",
        "movieId,title,genres\n1,\"Toy Story, The\",Comedy|Sci Fi\n2,B,(no genres listed)\n");
  write("ml/ratings.csv", "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,2,2.5,964982703\n");
  write("ml/tags.csv", "userId,movieId,tag,timestamp\n1,1,very funny,964982703\n");
  expect_counts(counts_of(set("movielens-csv", folder / "ml")), 5, 0, 0);
  EXPECT_EQ(catalogue().item(0)->title, "Toy Story, The");
  EXPECT_THAT(catalogue().item(0)->hashtags, ElementsAre("Comedy", "Sci_Fi"));
  EXPECT_TRUE(catalogue().item(1)->hashtags.empty());
  EXPECT_EQ(catalogue().event_counts()[FeedbackKind::hashtag], 1u);
}

TEST_F(Import, KuairandMakesAnEventOfEachSignal) {
  write("kr/log_standard.csv",
        "user_id,video_id,date,time_ms,play_time_ms,duration_ms,is_click,is_like,is_follow,is_comment,is_"
        "forward,is_hate\n"
        "0,7,20220411,1649664552983,14549,20000,1,1,0,0,1,0\n"
        "0,8,20220411,1649664552999,0,0,0,0,0,0,0,1\n"
        "0,8,20220411,later,0,0,0,0,0,0,0,1\n");
  expect_counts(counts_of(set("kuairand", folder / "kr")), 6, 0, 1);
  for (const auto kind : {FeedbackKind::watch, FeedbackKind::click, FeedbackKind::like, FeedbackKind::share,
                          FeedbackKind::dislike, FeedbackKind::impression})
    EXPECT_EQ(catalogue().event_counts()[kind], 1u) << feedback_name(kind);
  EXPECT_EQ(catalogue().user_events("0", 9).back().length_ms, 20000);
}

TEST_F(Import, MicrolensInBothItsForms) {
  write("ml/MicroLens_pairs.csv", "user,item,timestamp\n1,10,1583378629552\n1,11,1583378629553\n");
  write("ml/MicroLens_titles.csv", "item,title\n11,Eleven\n10,Ten\n");
  expect_counts(counts_of(set("microlens", folder / "ml")), 4, 0, 0);
  EXPECT_EQ(catalogue().find_item("11"), 0u);  // titles first, whatever the folder's order

  place = folder / "numbered";
  write("n/ids.txt", "s5\ns7\ns9\n");
  write("n/titles.txt", "five\nseven\nnine\n");
  write("n/edges.tsv", "0\t1\t2\n");
  write("n/train.txt", "ann 2 0\nbob 1\ncid\ndan 3 2\n");
  expect_counts(counts_of(set("microlens", folder / "n")), 3 + 4, 0, 2);
  const auto stored = catalogue().user_events("ann", 9);
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[1].item, "s9");  // watched first
  EXPECT_EQ(stored[0].item, "s5");
  EXPECT_THAT(rejects("train.txt"), HasSubstr("4\t2\tan item of ids.txt, counted from 0\t'3'"));

  place = folder / "sequences";
  write("s/MicroLens_pairs.tsv", "1\t5 6 7\n2\t5\n");
  expect_counts(counts_of(set("microlens", folder / "s")), 4, 0, 0);
}

TEST_F(Import, YoutubeTrending) {
  write("yt/videos.tsv",
        "video\tchannel\tcategory\ttitle\ttags\n0\t3\t24\tA \"quoted\" title\tred panda|cat\n1\t4\t1\tB\t\n");
  expect_counts(counts_of(set("youtube-trending", folder / "yt")), 2, 0, 0);
  EXPECT_EQ(catalogue().item(0)->title, "A \"quoted\" title");
  EXPECT_EQ(catalogue().item(0)->author, "3");
  EXPECT_THAT(catalogue().item(0)->hashtags, ElementsAre("red_panda", "cat"));
}

struct GraphImport : Import {
  ImportRequest graph(const std::string& name, const std::string& ids, const std::string& edges,
                      size_t columns = 2) {
    write(name + "/ids.txt", ids);
    write(name + "/edges.tsv", edges);
    const auto rows = static_cast<size_t>(std::count(ids.begin(), ids.end(), '\n'));
    std::vector<float> values;  // row i: 1, 2, …, and the place of the id in the alphabet
    for (size_t i = 0; i < rows; ++i) {
      for (size_t c = 0; c + 1 < columns; ++c) values.push_back(static_cast<float>(c + 1));
      values.push_back(static_cast<float>(ids[2 * i] - 'a' + 1));
    }
    if (columns > 0) write_npy(folder / (name + "/features.npy"), rows, columns, values);
    return set("graph", folder / name);
  }
  std::vector<float> last_column() const {
    const TensorFile file(place / "imported_features.safetensors", "features", 1);
    const auto values = file.tensor<float>("features");
    std::vector<float> last;
    for (size_t i = file.shape("features")[1] - 1; i < values.size(); i += file.shape("features")[1])
      last.push_back(values[i]);
    return last;
  }
  std::vector<std::string> edges() const {
    std::vector<std::string> found;
    const Catalogue store = catalogue();
    store.for_each_edge([&](const StoredEdge& edge) {
      EXPECT_LT(edge.u, edge.v);
      found.push_back(store.item(edge.u)->id + store.item(edge.v)->id + " " +
                      std::to_string(static_cast<int>(edge.weight)));
    });
    return found;
  }
};

TEST_F(GraphImport, JoinsByIdInAWorkspaceThatHasVideosAlready) {
  run(events(write("log.csv", "user,item\nann,z\nann,c\n")));
  expect_counts(counts_of(graph("g", "a\nb\nc\n", "0\t1\t3\n1\t2\n")), 5 - 1 + 0, 1, 0);
  EXPECT_THAT(edges(), ElementsAre("cb 1", "ab 3"));  // items by number: z c a b
  EXPECT_THAT(last_column(), ElementsAre(0, 3, 1, 2));
  // Another graph of other and of known videos: rows of one width come together.
  run(graph("h", "d\na\n", "0\t1\n"));
  EXPECT_THAT(edges(), ElementsAre("cb 1", "ab 3", "ad 1"));
  EXPECT_THAT(last_column(), ElementsAre(0, 3, 1, 2, 4));
}

TEST_F(GraphImport, FeaturesOfAnotherWidthStopItBeforeAnythingIsWritten) {
  run(graph("g", "a\nb\n", "0\t1\n"));
  const Error error = refusal(graph("h", "b\nd\n", "0\t1\n", 3));
  EXPECT_EQ(error.code(), ErrorCode::bad_input);
  EXPECT_EQ(error.details().found, "3 columns");
  // They may replace all that is there.
  run(graph("i", "b\na\nd\n", "0\t1\n", 3));
  EXPECT_THAT(last_column(), ElementsAre(1, 2, 4));
}

TEST_F(GraphImport, RejectsEdgesOneByOneAndNeedsNone) {
  const auto counts =
      counts_of(graph("g", "a\nb\nc\n", "0\t1\n\n0\t3\n1\t1\n0\t2\t-1\n0\t2\tnan\n1\t\t2\n0\t1\nx\n"));
  expect_counts(counts, 3 + 1, 1, 6);
  EXPECT_THAT(rejects("edges.tsv"), HasSubstr("\n3\t\ttwo video numbers below 3\t0 3\t0 3\n"));
  EXPECT_THAT(rejects("edges.tsv"), HasSubstr("\n4\t\ttwo different videos"));
  place = folder / "none";
  expect_counts(counts_of(graph("n", "a\nb\n", "")), 2, 0, 0);
  const auto health = run(graph("n", "a\nb\n", "")).health;
  EXPECT_EQ(health.edges, 0u);
  EXPECT_EQ(health.cold_videos, 2u);
  EXPECT_FALSE(health.possible.at(0).possible);  // related videos by co-watching
}

TEST_F(GraphImport, NamesWhatIsWrongWithTheFolder) {
  const auto found_of = [&](const ImportRequest& request) { return std::string(refusal(request).what()); };
  EXPECT_THAT(found_of(graph("twice", "a\nb\na\n", "")), HasSubstr("ids.txt, line 3"));
  EXPECT_THAT(found_of(graph("empty", "a\n\n", "", 0)), HasSubstr("ids.txt, line 2"));
  EXPECT_THAT(found_of(graph("long", std::string(10240, 'x') + "\n", "", 0)), HasSubstr("10240 bytes"));
  auto short_titles = graph("titles", "a\nb\n", "");
  write("titles/titles.txt", "only one\n");
  EXPECT_THAT(found_of(short_titles), HasSubstr("expected 2 lines"));
  auto bad_titles = graph("latin", "a\nb\n", "");
  write("latin/titles.txt", "one\ncaf\xe9\n");
  EXPECT_THAT(found_of(bad_titles), HasSubstr("titles.txt, line 2"));
  auto short_features = graph("features", "a\nb\n", "");
  write_npy(folder / "features/features.npy", 1, 2, std::vector<float>{1, 2});
  EXPECT_THAT(found_of(short_features), HasSubstr("features of the wrong length"));
  auto nan = graph("nan", "a\nb\n", "");
  write_npy(folder / "nan/features.npy", 2, 2, std::vector<float>{1, 2, 3, NAN});
  EXPECT_THAT(found_of(nan), HasSubstr("row 1, column 1"));
  std::filesystem::remove(write("missing/ids.txt", "a\n").parent_path() / "edges.tsv");
  EXPECT_THAT(found_of(set("graph", folder / "missing")), HasSubstr("edges.tsv"));
  EXPECT_THAT(found_of(set("graph", folder / "nowhere")), HasSubstr("no such folder"));
  EXPECT_THAT(found_of(set("graph", write("a_file", "x"))), HasSubstr("a file"));
}

// --- features made elsewhere ---

TEST_F(GraphImport, FeaturesGoByIdOrByOrder) {
  run(events(write("log.csv", "user,item\nann,a\nann,b\nann,c\n")));
  ImportRequest request;
  request.features = write_npy(folder / "f.npy", 3, 1, std::vector<float>{7, 8, 0});
  EXPECT_TRUE(run(request).health.has_features);
  EXPECT_THAT(last_column(), ElementsAre(7, 8, 0));
  const TensorFile file(place / "imported_features.safetensors", "features", 1);
  EXPECT_THAT(file.tensor<uint8_t>("present"), ElementsAre(1, 1, 0));  // zeros: none
  request.feature_ids = write("ids.txt", "c\nnobody\na\n");
  const auto counts = run(request).counts;
  expect_counts(counts, 0, 0, 1);
  EXPECT_THAT(rejects("ids.txt"), HasSubstr("2\t\tthe id of a video in the catalogue\t'nobody'"));
  EXPECT_THAT(last_column(), ElementsAre(0, 8, 7));
}

TEST_F(Import, FeaturesThatDoNotFitAreRefusedWithTheirPlace) {
  run(events(write("log.csv", "user,item\nann,a\nann,b\n")));
  ImportRequest request;
  request.features = write_npy(folder / "f.npy", 3, 1, std::vector<float>{7, 8, 9});
  EXPECT_EQ(refusal(request).details().expected, "2 rows, one a video in the order of first import");
  request.feature_ids = write("ids.txt", "a\nb\n");
  EXPECT_THAT(refusal(request).details().expected, HasSubstr("2 rows, one a line of"));
  request.feature_ids.clear();
  request.features = write_npy(folder / "f.npy", 2, 1, std::vector<float>{INFINITY, 8});
  EXPECT_THAT(refusal(request).details().where, HasSubstr("row 0, column 0"));
  request.features = write("f.npy", "not numbers");
  EXPECT_THAT(refusal(request).what(), HasSubstr("not an .npy file"));
}

// --- --check ---

TEST_F(Import, AFirstImportThatIsRefusedLeavesNothingBehind) {
  const Path empty = write("empty.csv", "");
  EXPECT_THROW(run(events(empty)), Error);
  EXPECT_FALSE(std::filesystem::exists(place));
  std::filesystem::create_directories(place);
  EXPECT_THROW(run(events(empty)), Error);
  EXPECT_TRUE(std::filesystem::is_empty(place)) << "the folder was there before";
  run(events(write("log.csv", "user,item\nann,x\n")));
  EXPECT_THROW(run(events(empty)), Error);
  EXPECT_EQ(catalogue().event_count(), 1u) << "what was imported before stays";
}

TEST_F(Import, CheckWritesNothingAndMeasuresWhatWouldBe) {
  const ImportRequest log = events(write("log.csv", log_csv));
  const ImportOutcome first = check_import(place, log);
  EXPECT_FALSE(std::filesystem::exists(place));
  expect_counts(first.counts, 2, 1, 2);
  EXPECT_EQ(first.health.people, 2u);
  EXPECT_EQ(first.health.videos, 2u);
  EXPECT_EQ(first.health.possible.size(), 4u);

  run(log);
  const std::string before = dump();
  expect_counts(check_import(place, log).counts, 0, 3, 2);  // against what is there
  ImportRequest features;
  features.features = write_npy(folder / "f.npy", 2, 1, std::vector<float>{7, 8});
  EXPECT_TRUE(check_import(place, features).health.has_features);
  EXPECT_FALSE(std::filesystem::exists(place / "imported_features.safetensors"));
  EXPECT_EQ(dump(), before);
}

// The health table and the graph count the same as watching.
TEST_F(Import, HealthOfALogWithoutWatches) {
  const std::string log = "user,item\nann,a\nann,b\nbob,a\nbob,b\n";
  ImportRequest request = events(write("log.csv", log));
  request.options.kind = FeedbackKind::click;
  const auto clicks = run(request).health;
  EXPECT_FALSE(clicks.possible.at(0).possible);
  EXPECT_THAT(clicks.possible.at(0).because, HasSubstr("graph.feedback to count click"));
  EXPECT_EQ(clicks.cold_videos, 2u);
  request.options.kind = FeedbackKind::like;
  EXPECT_TRUE(run(request).health.possible.at(0).possible);
}

// Nothing is learnt of videos that nobody can look into.
TEST_F(Import, HealthWithoutFeaturesPromisesNoLearning) {
  const std::string log = "user,item\nann,a\nann,b\nbob,a\nbob,b\n";
  const auto health = run(events(write("log.csv", log))).health;
  EXPECT_TRUE(health.possible.at(0).possible);
  EXPECT_FALSE(health.possible.at(1).possible);
  EXPECT_THAT(health.possible.at(1).because, HasSubstr("--features"));
  EXPECT_FALSE(health.possible.at(2).possible);
}

TEST_F(Import, AVideoKeepsItsIdWhenAnotherFileOfItsNameComes) {
  ImportRequest request;
  request.videos = {(folder / "clips").string()};
  std::filesystem::create_directories(folder / "clips");
  write("clips/y.mp4", "one");
  run(request);
  write("clips/y.mkv", "another");  // sorts before it
  expect_counts(counts_of(request), 1, 1, 0);
  EXPECT_THAT(catalogue().item(*catalogue().find_item("y"))->media_path, HasSubstr("y.mp4"));
  EXPECT_THAT(catalogue().item(*catalogue().find_item("y.mkv"))->media_path, HasSubstr("y.mkv"));
  std::filesystem::remove(folder / "clips" / "y.mp4");
  const auto outcome = run(request);
  EXPECT_EQ(outcome.counts.missing_files, 1u);
  EXPECT_THAT(outcome.reject_samples, ElementsAre(HasSubstr("found none, of video y")));
}

TEST_F(Import, HealthTableSaysWhatIsPossible) {
  const auto health = run(events(write("log.csv", "user,item\nann,a\nann,b\nbob,a\nbob,b\n"))).health;
  EXPECT_EQ(health.density, 1);
  EXPECT_EQ(health.cold_videos, 0u);
  EXPECT_EQ(health.events_per_video, 2);
  const std::string table = to_table(health);
  for (const char* line : {"people ", "videos ", "density ", "cold videos ", "learning an embedding "})
    EXPECT_THAT(table, HasSubstr(line));
}

}  // namespace
}  // namespace cowatch
