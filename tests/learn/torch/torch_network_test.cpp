// The network in libtorch's tensors against the one of the processor. What runs here on libtorch's device
// "cpu" is the code that runs on a card.
#include "learn/torch/torch_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "base/error.h"
#include "base/random.h"
#include "learn/relational/joint.h"
#include "learn/relational/trainer.h"
#include "learn/torch/torch_module.h"
#include "support/error_code.h"
#include "support/small_world.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

class OnTorch : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(torch_module_file()))
      GTEST_SKIP() << "no module for libtorch was built (package libtorch-dev; never with sanitizers)";
  }
};

std::vector<float> normal_numbers(size_t count, uint64_t seed) {
  const Random random(seed, 12);
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k)
    values[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  return values;
}

struct Case {
  PerceptronShape shape;
  size_t rows, width;
  Dropout dropout;
  std::vector<uint32_t> active;
  std::vector<float> parameters, x, dz;

  Case(PerceptronShape given, size_t row_count)
      : shape(std::move(given)), rows(row_count), width(shape.towers.back().end) {
    for (uint32_t r = 0; r < rows; ++r) active.push_back(r);
    parameters = normal_numbers(shape.parameters(), 1);
    x = normal_numbers(rows * width, 2);
    dz = normal_numbers(rows * shape.outputs, 3);
  }
  void clear(size_t row, size_t begin, size_t end) {
    std::fill_n(x.begin() + static_cast<ptrdiff_t>(row * width + begin), end - begin, 0.0f);
  }

  struct Result {
    std::vector<float> z, gradient;
    double operations = 0;
  };
  // Of the second of two steps: nothing of the first may be left.
  Result run(Device device, Precision precision = Precision::float32) const {
    const auto network = make_network(shape, precision, device);
    Result result{std::vector<float>(rows * shape.outputs, 5), std::vector<float>(parameters.size(), 7)};
    const Matrix z(result.z.data(), rows, shape.outputs);
    for (const size_t count : {rows / 2, rows}) {
      network->set_input(count, width,
                         [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
      network->forward(parameters, dropout, z.rows_from(0, count));
      std::vector<uint32_t> rows_of_step = active;
      std::erase_if(rows_of_step, [&](uint32_t r) { return r >= count; });
      network->backward(parameters, z.rows_from(0, count), ConstMatrix(dz.data(), count, shape.outputs),
                        rows_of_step, result.gradient);
    }
    result.operations = network->operations();
    return result;
  }
};

void expect_near(const std::vector<float>& found, const std::vector<float>& expected, const char* what) {
  double most = 0;
  for (const float value : expected) most = std::max<double>(most, std::abs(value));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t k = 0; k < found.size(); ++k)
    ASSERT_NEAR(found[k], expected[k], 1e-5 * (1 + most)) << what << " " << k;
}

void expect_same(const Case& given) {
  const auto expected = given.run(Device::cpu), found = given.run(Device::torch_cpu);
  expect_near(found.z, expected.z, "z");
  expect_near(found.gradient, expected.gradient, "parameter");
  EXPECT_EQ(found.operations, expected.operations);
}

const PerceptronShape one_tower{{{0, 7, 50}}, 4}, three_towers{{{0, 3, 20}, {3, 7, 18}, {7, 9, 33}}, 4};

TEST_F(OnTorch, OneTowerIsTheSame) {
  expect_same(Case(one_tower, 40));
}

TEST_F(OnTorch, TowersWithMissingModalitiesAreTheSame) {
  Case given(three_towers, 40);
  given.clear(2, 0, 3);
  given.clear(4, 3, 7);
  given.clear(30, 3, 9);
  given.clear(31, 0, 9);
  expect_same(given);
}

TEST_F(OnTorch, SomeActiveRowsOrNoneAreTheSame) {
  for (const PerceptronShape& shape : {one_tower, three_towers}) {
    Case given(shape, 40);
    given.clear(4, 0, 3);
    given.active = {1, 4, 5, 17, 39};
    // What is no active row is never looked at.
    for (size_t k = 6 * 4; k < 17 * 4; ++k) given.dz[k] = NAN;
    expect_same(given);
    given.active.clear();
    expect_same(given);
  }
}

TEST_F(OnTorch, TheSameUnitsAreLeftOut) {
  for (const PerceptronShape& shape : {one_tower, three_towers}) {
    Case given(shape, 40);
    given.dropout = {.rate = 0.3, .seed = 5, .step = 9};
    given.active = {0, 3, 20, 21, 22};
    expect_same(given);
  }
}

TEST_F(OnTorch, ARowOfZeroStaysZero) {
  Case given(one_tower, 8);
  const auto at = given.shape.offsets(0);
  std::fill(given.parameters.begin() + static_cast<ptrdiff_t>(at.first_bias),
            given.parameters.begin() + static_cast<ptrdiff_t>(at.second), 0.0f);
  std::fill(given.parameters.begin() + static_cast<ptrdiff_t>(at.second_bias), given.parameters.end(), 0.0f);
  given.clear(3, 0, 7);
  expect_same(given);
  const auto found = given.run(Device::torch_cpu);
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(found.z[3 * 4 + k], 0);
}

TEST_F(OnTorch, Bfloat16StaysNear) {
  Case given(three_towers, 60);
  given.dropout = {.rate = 0.25, .seed = 5, .step = 9};
  const auto exact = given.run(Device::cpu), rough = given.run(Device::torch_cpu, Precision::bfloat16);
  double along = 0, squares = 0, rough_squares = 0;
  for (size_t k = 0; k < exact.gradient.size(); ++k) {
    along += double{exact.gradient[k]} * rough.gradient[k];
    squares += double{exact.gradient[k]} * exact.gradient[k];
    rough_squares += double{rough.gradient[k]} * rough.gradient[k];
  }
  EXPECT_GT(along / std::sqrt(squares * rough_squares), 0.98);
  EXPECT_NE(rough.gradient, exact.gradient);
}

RelationalOptions small_options(const char* method, Device device) {
  RelationalOptions options;
  apply_method(method, options);
  options.hidden = 24;
  options.outputs = 8;
  options.batch = 20;
  options.steps = 12;
  options.optimiser.warm_up = 2;
  options.hidden_dropout = 0.2;
  options.modality_dropout = 0.3;
  options.product_of_towers = true;
  options.device = device;
  return options;
}

TEST_F(OnTorch, ATrainingGoesTheSameWay) {
  const test::SmallWorld world = test::small_world(90);
  const AffinityTree tree = build_tree(world.graph, {});
  for (const char* method : {"random_mined", "infonce", "pseudo_class"}) {
    RelationalTrainer expected(world.features, world.graph, tree, small_options(method, Device::cpu)),
        found(world.features, world.graph, tree, small_options(method, Device::torch_cpu));
    for (int step = 1; step <= 12; ++step) {
      const double loss = expected.train_step().loss;
      ASSERT_NEAR(found.train_step().loss, loss, 1e-3 * (1 + loss)) << method << ", step " << step;
    }
    EXPECT_EQ(found.operations() > 0, true);
  }
}

TEST_F(OnTorch, TheJoinOfManyNetworksTrainsThereToo) {
  const test::SmallWorld world = test::small_world(90);
  JointOptions options;
  options.network = small_options("infonce", Device::torch_cpu);
  options.budget = 4;
  size_t trainings = 0;
  train_joint(world.features, world.graph, options, [&](const std::string&, RelationalTrainer& trainer) {
    EXPECT_EQ(trainer.options().device, Device::torch_cpu);
    while (trainer.step() < trainer.steps()) trainer.train_step();
    ++trainings;
  });
  EXPECT_GT(trainings, 0u);
}

TEST_F(OnTorch, ACheckpointOfAnotherDeviceIsRefused) {
  const test::SmallWorld world = test::small_world(90);
  const AffinityTree tree = build_tree(world.graph, {});
  const test::TemporaryFolder folder;
  RelationalTrainer here(world.features, world.graph, tree, small_options("infonce", Device::cpu)),
      there(world.features, world.graph, tree, small_options("infonce", Device::torch_cpu));
  here.train_step();
  here.save(folder / "checkpoint");
  EXPECT_EQ(test::code_of([&] { there.load(folder / "checkpoint"); }), ErrorCode::conflict);
}

TEST_F(OnTorch, WithoutACardTheErrorSaysWhatLibtorchSays) {
  if (torch_module().cuda_devices > 0) GTEST_SKIP() << "here is a card";
  try {
    check_device(Device::cuda);
    FAIL() << "there is no card";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(error.details().found.find("CUDA"), std::string::npos) << error.what();
    EXPECT_NE(error.details().expected.find(torch_module().version), std::string::npos) << error.what();
    EXPECT_NE(error.details().remedy.find("CMAKE_PREFIX_PATH"), std::string::npos);
  }
  EXPECT_NO_THROW(check_device(Device::torch_cpu));
}

// The same code there, in the sums of a card.
TEST_F(OnTorch, ACardGivesTheSame) {
  if (torch_module().cuda_devices == 0) GTEST_SKIP() << "no card: " << torch_module().cuda_problem;
  Case given(three_towers, 40);
  given.clear(2, 0, 3);
  given.dropout = {.rate = 0.3, .seed = 5, .step = 9};
  given.active = {0, 2, 3, 20, 21, 22};
  const auto expected = given.run(Device::cpu), found = given.run(Device::cuda);
  expect_near(found.z, expected.z, "z");
  expect_near(found.gradient, expected.gradient, "parameter");
}

TEST(TorchModule, WhatIsMissingIsSaidWithAWayToMendIt) {
  const test::TemporaryFolder folder;
  const Path file = folder / "cowatch-torch.so";
  for (const std::string& found : {"no " + file.string(), std::string("file too short")}) {
    for (const Device device : {Device::cuda, Device::torch_cpu}) {
      try {
        check_device(device, file);
        FAIL() << "there is no module";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
        EXPECT_NE(error.details().found.find(found), std::string::npos) << error.what();
        EXPECT_NE(error.details().remedy.find("CMAKE_PREFIX_PATH"), std::string::npos);
      }
    }
    EXPECT_NO_THROW(check_device(Device::cpu, file));
    std::ofstream(file) << "";  // a file that is no library
  }
}

}  // namespace
}  // namespace cowatch
