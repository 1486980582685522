#include "learn/relational/trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/tensor_file.h"
#include "learn/relational/losses.h"
#include "learn/relational/mining.h"
#include "learn/torch/torch_network.h"

namespace cowatch {
namespace {

constexpr uint32_t class_weight_stream = 0x636c7773;
constexpr NegativeLevel ladder[] = {NegativeLevel::random, NegativeLevel::l2, NegativeLevel::l1,
                                    NegativeLevel::l0};
constexpr int newest_checkpoint = 2;  // 1: without unmined and climbed
constexpr size_t epoch_numbers = 6;   // of each ended epoch in a checkpoint: step, level and its means

// A few dozen videos cannot fill thousands of hidden units, which would only take minutes.
constexpr size_t most_hidden_per_video = 16;

PerceptronShape shape_of(const FeatureTable& features, const RelationalOptions& options) {
  const size_t hidden = std::min(options.hidden, most_hidden_per_video * std::max<size_t>(1, features.items()));
  PerceptronShape shape;
  shape.outputs = options.outputs;
  if (!options.product_of_towers) {
    shape.towers.push_back({0, features.width(), hidden});
    return shape;
  }
  for (const Modality& modality : features.modalities())
    shape.towers.push_back({modality.begin, modality.end, hidden});
  return shape;
}

std::string fingerprint_of(const RelationalOptions& options, const FeatureTable& features, const Graph& graph,
                           const AffinityTree& tree) {
  return Fingerprint()
      .add(options.text())
      .add(features.fingerprint())
      .add(graph.fingerprint())
      .add(tree.fingerprint())
      .digest();
}

[[noreturn]] void throw_diverged(uint64_t step, const RelationalOptions& options) {
  throw Error(ErrorCode::bad_argument, "the training diverged: its loss is no number any more",
              {.where = "step " + std::to_string(step),
               .expected = "a finite loss",
               .found = "NaN or infinity, at a learning rate of at most " +
                        to_text(SettingValue(options.optimiser.rate)),
               .remedy = "Lower train.rate, or raise train.warm_up; the last checkpoint is kept."});
}

}  // namespace

RelationalTrainer::RelationalTrainer(const FeatureTable& features, const Graph& graph,
                                     const AffinityTree& tree, RelationalOptions options)
    : features_(features),
      graph_(graph),
      options_(std::move(options)),
      sampler_(graph, tree, options_.sampling, options_.seed),
      normalisation_(normalisation_of(features, options_.normalisation)),
      shape_(shape_of(features, options_)),
      network_(make_network(shape_, options_.precision, options_.device)),
      optimiser_(options_.optimiser, 0) {
  if (features.items() != graph.nodes()) {
    throw Error(ErrorCode::bad_input, "features and graph are not of the same videos",
                {.expected = std::to_string(graph.nodes()) + " rows of features",
                 .found = std::to_string(features.items()),
                 .remedy = "Run `cowatch run` to bring both up to date."});
  }
  const size_t anchors = sampler_.anchors().size();
  options_.steps = training_steps(options_, anchors);
  epoch_steps_ = std::max<uint64_t>(1, (anchors + options_.batch - 1) / options_.batch);
  if (options_.objective == Objective::classification && tree.rounds() > 0) {
    const size_t round = std::min(options_.class_round, tree.rounds());
    classes_ = tree.clusters(round);
    for (uint32_t video = 0; video < graph.nodes(); ++video)
      class_of_video_.push_back(tree.cluster(round, video));
  }
  const size_t network_size = shape_.parameters(),
               size = network_size + classes_ * options_.outputs;
  parameters_.resize(size);
  gradient_.resize(size);
  initialise(shape_, options_.seed, options_.network, std::span(parameters_).first(network_size));
  const Random random(options_.seed, class_weight_stream);
  for (size_t k = network_size; k < size; ++k) {
    parameters_[k] =
        static_cast<float>(0.05 * random.normal(options_.network, static_cast<uint32_t>(k - network_size)));
  }
  optimiser_ = Optimiser(options_.optimiser, size);
  fingerprint_ = fingerprint_of(options_, features, graph, tree);
}

NegativeLevel RelationalTrainer::level_now() const {
  if (options_.curriculum == Curriculum::none) return options_.level;
  if (options_.curriculum == Curriculum::retained) return ladder[curriculum_stage_];
  return ladder[std::min<uint64_t>(3, step_ * 4 / options_.steps)];
}

void RelationalTrainer::set_input(const Batch& batch) {
  network_->set_input(batch.rows.size(), features_.width(), [&](size_t r, float* row) {
    const uint32_t video = batch.rows[r];
    features_.copy_row(video, row);
    normalisation_.apply(features_, video, row);
    if (options_.modality_dropout > 0)
      hide_modalities(features_, options_.modality_dropout, options_.seed, step_, video, row);
  });
}

double RelationalTrainer::step_loss(const Batch& batch, ConstMatrix z, Matrix dz, StepReport& report,
                                    std::vector<uint32_t>& active) {
  Loss loss;
  const auto size = static_cast<double>(batch.size());
  if (options_.objective == Objective::in_batch_softmax) {
    loss = in_batch_softmax(z, batch, graph_, options_.temperature, dz);
    operations_ += 6 * size * static_cast<double>((batch.size() + batch.negative.size()) * z.columns);
  } else if (options_.objective == Objective::classification) {
    const auto candidates = draw_classes(classes_, options_.class_samples, options_.seed, step_);
    const size_t network_size = shape_.parameters();
    loss = classification_loss(
        z, batch, class_of_video_, ConstMatrix(class_weights().data(), classes_, z.columns), candidates,
        options_.temperature, dz, Matrix(gradient_.data() + network_size, classes_, z.columns));
    operations_ += 6 * size * static_cast<double>(candidates.size() * z.columns);
  } else {
    Mined mined{batch.negative_row, 0, 0, 0};
    if (options_.mines()) mined = mine_semi_hard(z, batch, graph_, options_.precision);
    operations_ += mined.operations;
    report.retained = static_cast<double>(mined.retained) / size;
    report.unmined = static_cast<double>(mined.unmined) / size;
    report.climbed = static_cast<double>(batch.climbed) / size;
    loss = triplet_loss(z, batch, mined.negative_row, options_.margin, dz);
  }
  active = std::move(loss.active);
  return loss.value;
}

StepReport RelationalTrainer::train_step() {
  StepReport report;
  report.level = level_now();
  report.rate = learning_rate(options_.optimiser, step_, options_.steps);
  // Networks of one seed see other batches: the number is part of the counter of the draws.
  const uint64_t draw = step_ + (options_.network << 40);
  const Batch batch = options_.objective == Objective::in_batch_softmax
                          ? draw_softmax_batch(sampler_, options_.batch, draw)
                          : draw_batch(sampler_, options_.batch, draw, report.level,
                                       options_.objective == Objective::triplet);
  const size_t rows = batch.rows.size(), outputs = options_.outputs,
               network_size = shape_.parameters();
  if (z_.size() < rows * outputs) {
    z_.resize(rows * outputs);
    dz_.resize(rows * outputs);
  }
  const Matrix z(z_.data(), rows, outputs), dz(dz_.data(), rows, outputs);
  set_input(batch);
  const std::span<const float> weights = std::span<const float>(parameters_).first(network_size);
  const double before = network_->operations();
  network_->forward(weights, {options_.hidden_dropout, options_.seed, draw}, z);
  std::vector<uint32_t> active;
  report.loss = step_loss(batch, z, dz, report, active);
  if (!std::isfinite(report.loss)) throw_diverged(step_ + 1, options_);
  network_->backward(weights, z, dz, active, std::span(gradient_).first(network_size));
  operations_ += network_->operations() - before;
  optimiser_.update(parameters_, gradient_, report.rate, step_);
  report.step = ++step_;
  const EpochMeans told{report.loss, report.retained, report.unmined, report.climbed};
  for (size_t k = 0; k < told.size(); ++k) sums_[k] += told[k];
  if (step_ % epoch_steps_ == 0 || step_ == options_.steps) end_epoch(report.level);
  return report;
}

EpochReport RelationalTrainer::epoch_report(uint64_t step, NegativeLevel level,
                                            const EpochMeans& means) const {
  const auto where = [](bool told, double mean) { return told ? std::optional(mean) : std::nullopt; };
  const bool mines = options_.mines();
  return {.step = step,
          .loss = means[0],
          .retained = where(mines, means[1]),
          .unmined = where(mines, means[2]),
          .climbed = where(options_.draws_negatives(), means[3]),
          .level = level};
}

void RelationalTrainer::end_epoch(NegativeLevel level) {
  const uint64_t began = epochs_.empty() ? 0 : epochs_.back().step;
  EpochMeans means = std::exchange(sums_, {});
  for (double& mean : means) mean /= static_cast<double>(step_ - began);
  const EpochReport epoch = epoch_report(step_, level, means);
  epochs_.push_back(epoch);
  epochs_.back().epoch = epochs_.size();
  if (options_.curriculum == Curriculum::retained && epoch.retained >= options_.curriculum_share &&
      curriculum_stage_ < 3) {
    ++curriculum_stage_;
  }
}

Branch RelationalTrainer::branch() const {
  Branch branch;
  branch.kind = Branch::Kind::towers;
  branch.normalisation = normalisation_;
  branch.shape = shape_;
  branch.parameters.assign(parameters_.begin(),
                           parameters_.begin() + static_cast<ptrdiff_t>(shape_.parameters()));
  return branch;
}

void RelationalTrainer::save(const Path& path) const {
  const std::vector<uint64_t> counters{step_, curriculum_stage_};
  std::vector<double> numbers(sums_.begin(), sums_.end());
  for (const EpochReport& epoch : epochs_) {
    numbers.insert(numbers.end(),
                   {static_cast<double>(epoch.step), static_cast<double>(epoch.level), epoch.loss,
                    epoch.retained.value_or(0), epoch.unmined.value_or(0), epoch.climbed.value_or(0)});
  }
  TensorFileWriter writer("checkpoint", newest_checkpoint);
  writer.set("input", fingerprint_);
  writer.set("settings", options_.text());
  writer.set("seed", std::to_string(options_.seed));
  writer.add<float>("parameters", {parameters_.size()}, parameters_);
  writer.add<float>("optimiser", {optimiser_.state().size()}, optimiser_.state());
  writer.add<uint64_t>("counters", {counters.size()}, counters);
  writer.add<double>("epochs", {numbers.size()}, numbers);
  writer.write(path);
}

// Of a checkpoint after `step`; nothing where they cannot be: steps that do not rise, a level that is none.
std::optional<std::vector<EpochReport>> RelationalTrainer::epochs_from(std::span<const double> numbers,
                                                                       uint64_t step) const {
  if (numbers.size() % epoch_numbers != 0) return std::nullopt;
  std::vector<EpochReport> epochs;
  for (; !numbers.empty(); numbers = numbers.subspan(epoch_numbers)) {
    const double ended = numbers[0], level = numbers[1];
    const double least = epochs.empty() ? 1 : static_cast<double>(epochs.back().step + 1);
    const bool possible = ended >= least && ended <= static_cast<double>(step) && level >= 0 &&
                          level <= static_cast<double>(NegativeLevel::random);
    if (!possible) return std::nullopt;
    epochs.push_back(epoch_report(static_cast<uint64_t>(ended), static_cast<NegativeLevel>(level),
                                  {numbers[2], numbers[3], numbers[4], numbers[5]}));
    epochs.back().epoch = epochs.size();
  }
  return epochs;
}

void RelationalTrainer::load(const Path& path) {
  const TensorFile file(path, "checkpoint", newest_checkpoint);
  if (file.get("input") != fingerprint_) {
    throw Error(ErrorCode::conflict, "the checkpoint is of another training",
                {.where = path.string(),
                 .expected = "the same graph, tree, features and settings (" + fingerprint_ + ")",
                 .found = file.get("input"),
                 .remedy = "Train with the settings it was begun with, or delete it to start afresh."});
  }
  if (file.get("format") != std::to_string(newest_checkpoint)) {
    throw Error(ErrorCode::conflict, "the checkpoint is of an older version of the program",
                {.where = path.string(),
                 .expected = "format " + std::to_string(newest_checkpoint),
                 .found = "format " + file.get("format"),
                 .remedy = "End the training with that version, or delete it to start afresh."});
  }
  const auto parameters = file.tensor<float>("parameters"), state = file.tensor<float>("optimiser");
  const auto counters = file.tensor<uint64_t>("counters");
  const auto numbers = file.tensor<double>("epochs");
  if (parameters.size() != parameters_.size() || state.size() != optimiser_.state().size() ||
      counters.size() != 2 || numbers.size() < sums_.size()) {
    throw Error(ErrorCode::damaged, "the checkpoint has another size than its settings say",
                {.where = path.string()});
  }
  auto epochs = epochs_from(numbers.subspan(sums_.size()), counters[0]);
  if (!epochs || counters[0] > options_.steps || counters[1] >= std::size(ladder)) {
    throw Error(
        ErrorCode::damaged, "the checkpoint's steps, levels or epochs cannot be",
        {.where = path.string(),
         .expected = "epochs that end one after another within " + std::to_string(options_.steps) + " steps",
         .found = "step " + std::to_string(counters[0]) + ", stage " + std::to_string(counters[1]),
         .remedy = "Delete it to start afresh."});
  }
  std::ranges::copy(parameters, parameters_.begin());
  std::ranges::copy(state, optimiser_.state().begin());
  step_ = counters[0];
  curriculum_stage_ = static_cast<uint32_t>(counters[1]);
  std::copy_n(numbers.begin(), sums_.size(), sums_.begin());
  epochs_ = std::move(*epochs);
}

}  // namespace cowatch
