// `cowatch bench step`: one training step at full size — forward, mining over all pairs, triplet loss,
// backward, update — in float32 and bfloat16, and the same step written plainly in PyTorch. Every measurement
// is a process of its own, so that its peak memory is its own; engines take turns.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/error.h"
#include "base/random.h"
#include "base/settings.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "learn/optimiser.h"
#include "learn/relational/losses.h"
#include "learn/relational/mining.h"
#include "learn/relational/options.h"
#include "learn/relational/perceptron.h"
#include "learn/torch/torch_module.h"
#include "learn/torch/torch_network.h"

namespace cowatch::bench {
namespace {

struct StepArguments {
  size_t batch = 9600, input = 1024, hidden = 4000, outputs = 256;
  int steps = 3, rounds = 2;
  std::string device = "cpu";
  bool peer = true;
  std::string measure;  // set in the processes that measure: "float32" or "bf16"
};

Device device_of(const StepArguments& options) {
  for (const Device device : {Device::cuda, Device::torch_cpu})
    if (options.device == device_name(device)) return device;
  return Device::cpu;
}

constexpr double rate = 0.1, margin = 0.5;

std::vector<float> normals(size_t count) {
  const Random random(1, 0x73746570);
  std::vector<float> values(count);
  parallel_for(count, 1 << 16, [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k)
      values[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  });
  return values;
}

// Rate of multiply() on the largest product of the step, here and now; on a part of its rows, which takes
// less memory than the step.
double product_gflops(StepArguments options, Precision precision) {
  options.batch = std::min<size_t>(options.batch, 4096);
  Activations a(precision), b(precision);
  a.resize(options.batch, options.input);
  b.resize(options.hidden, options.input);
  std::vector<float> c(options.batch * options.hidden);
  double best = 1e9;
  for (int turn = 0; turn < 5; ++turn) {
    const double start = seconds_now();
    multiply_parts(Transpose::no, Transpose::yes, a.part(), b.part(),
                   Matrix(c.data(), options.batch, options.hidden));
    best = std::min(best, seconds_now() - start);
  }
  return 2e-9 * static_cast<double>(options.batch * options.input * options.hidden) / best;
}

// Triplet i is videos i, batch + i and 2 · batch + i: as many rows as a batch can have. Their neighbours are
// each other alone.
class Step {
 public:
  Step(const StepArguments& options, Precision precision)
      : options_(options),
        precision_(precision),
        features_(normals(3 * options.batch * options.input)),
        shape_{{{0, options.input, options.hidden}}, options.outputs},
        network_(make_network(shape_, precision, device_of(options))),
        parameters_(shape_.parameters()),
        gradient_(parameters_.size()),
        optimiser_({.kind = OptimiserKind::sgd, .weight_decay = 0}, parameters_.size()),
        z_(3 * options.batch * options.outputs),
        dz_(z_.size()) {
    std::vector<Triplet> triplets;
    std::vector<Edge> edges;
    for (uint32_t i = 0; i < options.batch; ++i) {
      const auto size = static_cast<uint32_t>(options.batch);
      triplets.push_back({i, size + i, 2 * size + i, 0});
      edges.push_back({i, size + i, 1});
    }
    batch_ = make_batch(triplets, true);
    graph_ = Graph::from_edges(3 * options.batch, std::move(edges));
    initialise(shape_, 1, 0, parameters_);
  }

  // Returns its multiplications and additions: rows whose gradient is zero are not worked on and not counted.
  double run() {
    const double before = network_->operations();
    const Matrix z(z_.data(), batch_.rows.size(), options_.outputs),
        dz(dz_.data(), batch_.rows.size(), options_.outputs);
    network_->set_input(batch_.rows.size(), options_.input, [&](size_t r, float* row) {
      std::copy_n(features_.data() + size_t{batch_.rows[r]} * options_.input, options_.input, row);
    });
    network_->forward(parameters_, {}, z);
    const Mined mined = mine_semi_hard(z, batch_, graph_, precision_);
    const Loss loss = triplet_loss(z, batch_, mined.negative_row, margin, dz);
    network_->backward(parameters_, z, dz, loss.active, gradient_);
    optimiser_.update(parameters_, gradient_, rate, 0);
    loss_ = loss.value;
    return network_->operations() - before + mined.operations;
  }
  double loss() const { return loss_; }

 private:
  StepArguments options_;
  Precision precision_;
  std::vector<float> features_;
  PerceptronShape shape_;
  std::unique_ptr<TrainableNetwork> network_;
  std::vector<float> parameters_, gradient_;
  Optimiser optimiser_;
  std::vector<float> z_, dz_;
  Batch batch_;
  Graph graph_;
  double loss_ = 0;
};

void measure(const StepArguments& options) {
  const Precision precision = options.measure == "bf16" ? Precision::bfloat16 : Precision::float32;
  Step step(options, precision);
  const double first_operations = step.run();  // memory is laid out; not timed
  std::vector<double> seconds;
  double operations = first_operations, product = 0;
  for (int k = 0; k < options.steps; ++k) {
    product = std::max(product, product_gflops(options, precision));
    const double start = seconds_now();
    const double done = step.run();
    seconds.push_back(seconds_now() - start);
    if (seconds.back() == *std::min_element(seconds.begin(), seconds.end())) operations = done;
  }
  const Spread taken = spread(seconds, true);
  print_measurement({{"engine", options.device == "cpu" ? "cowatch" : "cowatch on " + options.device},
                     {"precision", precision_name(precision)},
                     {"seconds", taken.best},
                     {"seconds_median", taken.median},
                     {"gflops", operations * 1e-9 / taken.best},
                     {"sgemm_gflops", product},
                     {"loss", step.loss()}});
}

std::vector<std::string> arguments_of(const StepArguments& options) {
  return {"--batch",  std::to_string(options.batch),  "--input",   std::to_string(options.input),
          "--hidden", std::to_string(options.hidden), "--outputs", std::to_string(options.outputs),
          "--steps",  std::to_string(options.steps)};
}

// The turns of one engine: the best of them, with the median of their medians.
struct Turns {
  Json best;
  std::vector<double> medians;

  void add(Json row) {
    medians.push_back(row["seconds_median"]);
    const bool better = best.is_null() || row["seconds"].get<double>() < best["seconds"].get<double>();
    const double product = std::max(row["sgemm_gflops"].get<double>(), number("sgemm_gflops"));
    if (better) best = std::move(row);
    best["sgemm_gflops"] = product;  // a limit: the highest rate seen
    best["seconds_median"] = spread(medians, true).median;
  }
  double number(const char* name) const { return best.is_null() ? 0 : best[name].get<double>(); }
};

void run_step(const StepArguments& options, Report& report) {
  check_device(device_of(options));
  if (!options.measure.empty()) return measure(options);
  report.settings = {{"batch", options.batch},     {"input", options.input}, {"hidden", options.hidden},
                     {"outputs", options.outputs}, {"steps", options.steps}, {"rounds", options.rounds},
                     {"device", options.device},   {"threads", threads()}};
  Turns single, brain, torch;
  for (int round = 0; round < options.rounds; ++round) {
    for (const std::string precision : {"float32", "bf16"}) {
      std::vector<std::string> arguments = {"bench",    "step",        "--measure",
                                            precision,  "--threads",   std::to_string(threads()),
                                            "--device", options.device};
      const auto sizes = arguments_of(options);
      arguments.insert(arguments.end(), sizes.begin(), sizes.end());
      (precision == "bf16" ? brain : single).add(run_self(arguments));
    }
    if (!options.peer) continue;
    auto arguments = arguments_of(options);
    arguments.insert(arguments.end(), {"--threads", std::to_string(threads())});
    torch.add(run_peer("step_torch", arguments));
  }
  for (const Turns* turns : {&single, &brain, &torch}) {
    if (!turns->best.is_null()) report.add_row(turns->best);
  }
  if (options.device == "cpu")
    std::printf("float32: %.0f %% of the matrix rate\n", 100 * single.number("gflops") / single.number("sgemm_gflops"));
  if (!options.peer) return;
  if (options.device != "cpu") {
    std::printf("on %s: float32 %.2f × and bf16 %.2f × the speed of torch on the processor\n", options.device.c_str(),
                torch.number("seconds") / single.number("seconds"), torch.number("seconds") / brain.number("seconds"));
    return;
  }
  std::printf("bf16: %.2f × the speed of torch (medians %.2f) at %.2f of its memory\n",
              torch.number("seconds") / brain.number("seconds"),
              torch.number("seconds_median") / brain.number("seconds_median"),
              brain.number("peak_mib") / torch.number("peak_mib"));
}

std::function<void(Report&)> configure_step(CommandLine app) {
  auto options = std::make_shared<StepArguments>();
  const Flags add(app);
  add("--batch", options->batch, "triplets").between(2, 1'000'000);
  add.positive("--input", options->input, "features of a video");
  add.positive("--hidden", options->hidden, "hidden units");
  add.positive("--outputs", options->outputs, "width of the embedding");
  add.positive("--steps", options->steps, "timed steps of a process");
  add.positive("--rounds", options->rounds, "turns of each engine");
  const auto& devices = setting_declaration("train.device").choices;
  app.add_option("--device", options->device, "where the network is")
      .one_of({devices.begin(), devices.end()});
  app.add_flag("!--no-peer", options->peer, "leave PyTorch out");
  app.add_option("--measure", options->measure, "measure cowatch alone in this process").hidden();
  return [options](Report& report) { run_step(*options, report); };
}

}  // namespace

Benchmark step_benchmark() {
  return {"step", "one training step against the matrix rate and PyTorch", "", configure_step};
}

}  // namespace cowatch::bench
