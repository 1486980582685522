#include "learn/relational/options.h"

#include <algorithm>

#include "base/error.h"

namespace cowatch {
namespace {

struct Method {
  std::string_view name;
  Objective objective;
  NegativeLevel level;
  bool mining;
  Curriculum curriculum;
};

constexpr Method methods[] = {
    {"random", Objective::triplet, NegativeLevel::random, false, Curriculum::none},
    {"random_mined", Objective::triplet, NegativeLevel::random, true, Curriculum::none},
    {"l0", Objective::triplet, NegativeLevel::l0, false, Curriculum::none},
    {"l0_mined", Objective::triplet, NegativeLevel::l0, true, Curriculum::none},
    {"l1", Objective::triplet, NegativeLevel::l1, false, Curriculum::none},
    {"l1_mined", Objective::triplet, NegativeLevel::l1, true, Curriculum::none},
    {"l2", Objective::triplet, NegativeLevel::l2, false, Curriculum::none},
    {"l2_mined", Objective::triplet, NegativeLevel::l2, true, Curriculum::none},
    {"curriculum", Objective::triplet, NegativeLevel::random, true, Curriculum::schedule},
    {"curriculum_retained", Objective::triplet, NegativeLevel::random, true, Curriculum::retained},
    {"pseudo_class", Objective::classification, NegativeLevel::random, false, Curriculum::none},
    {"infonce", Objective::in_batch_softmax, NegativeLevel::random, false, Curriculum::none},
};

template <typename Enum>
Enum choice_of(const Settings& settings, std::string_view name) {
  const auto& choices = setting_declaration(name).choices;
  return static_cast<Enum>(std::find(choices.begin(), choices.end(), settings.get_text(name)) -
                           choices.begin());
}

OptimiserSettings optimiser_settings(const Settings& settings) {
  OptimiserSettings optimiser;
  optimiser.kind = choice_of<OptimiserKind>(settings, "train.optimiser");
  optimiser.rate = settings.get_number("train.rate");
  optimiser.momentum = settings.get_number("train.momentum");
  optimiser.weight_decay = settings.get_number("train.weight_decay");
  optimiser.schedule = choice_of<ScheduleKind>(settings, "train.schedule");
  optimiser.warm_up = static_cast<uint64_t>(settings.get_int("train.warm_up"));
  optimiser.decay = settings.get_number("train.decay");
  optimiser.decay_every = static_cast<uint64_t>(settings.get_int("train.decay_every"));
  return optimiser;
}

}  // namespace

std::string_view device_name(Device device) {
  return setting_declaration("train.device").choices[static_cast<size_t>(device)];
}

const std::vector<std::string_view>& network_methods() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Method& method : methods) all.push_back(method.name);
    return all;
  }();
  return names;
}

void apply_method(std::string_view name, RelationalOptions& options) {
  for (const Method& method : methods) {
    if (method.name != name) continue;
    options.objective = method.objective;
    options.level = method.level;
    options.mining = method.mining;
    options.curriculum = method.curriculum;
    return;
  }
  check_method(name, {network_methods().begin(), network_methods().end()});
}

void check_method(std::string_view method, const std::vector<std::string>& names) {
  if (std::ranges::find(names, method) != names.end()) return;
  const std::string near = nearest_name(method, names);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  throw Error(ErrorCode::bad_argument, "there is no such method of training",
              {.expected = "one of " + all,
               .found = "'" + std::string(method) + "'",
               .remedy = near.empty() ? "" : "Did you mean " + near + "?"});
}

uint64_t training_steps(const RelationalOptions& options, size_t anchors) {
  if (options.steps > 0) return options.steps;
  return std::clamp<uint64_t>(30 * anchors / options.batch, 100, 400);
}

RelationalOptions relational_options(const Settings& settings) {
  RelationalOptions options;
  const auto whole = [&](std::string_view name) { return static_cast<size_t>(settings.get_int(name)); };
  options.margin = settings.get_number("train.margin");
  options.temperature = settings.get_number("train.temperature");
  options.curriculum_share = settings.get_number("train.curriculum_share");
  options.class_round = whole("train.class_round");
  options.class_samples = whole("train.class_samples");
  options.product_of_towers = settings.get_bool("train.product_of_towers");
  options.modality_dropout = settings.get_number("train.modality_dropout");
  options.hidden_dropout = settings.get_number("train.hidden_dropout");
  options.normalisation = choice_of<NormalisationKind>(settings, "train.normalisation");
  options.sampling.anchor_power = settings.get_number("train.anchor_power");
  options.sampling.positive_by_weight = settings.get_bool("train.positive_by_weight");
  options.optimiser = optimiser_settings(settings);
  options.hidden = whole("train.hidden");
  options.outputs = whole("train.outputs");
  options.batch = whole("train.batch");
  options.steps = whole("train.steps");
  options.seed = static_cast<uint64_t>(settings.get_int("train.seed"));
  options.precision = choice_of<Precision>(settings, "train.precision");
  options.device = choice_of<Device>(settings, "train.device");
  const std::string& method = settings.get_text("train.method");
  if (method != "default") apply_method(method, options);
  return options;
}

std::string RelationalOptions::text() const {
  std::string lines;
  const auto add = [&](std::string_view name, const auto& value) {
    lines += std::string(name) + "=" + to_text(SettingValue(value)) + "\n";
  };
  const auto number = [](auto value) { return static_cast<int64_t>(value); };
  add("objective", number(objective));
  add("level", std::string(negative_level_name(level)));
  add("mining", mining);
  add("curriculum", number(curriculum));
  add("curriculum_share", curriculum_share);
  add("margin", margin);
  add("temperature", temperature);
  add("class_round", number(class_round));
  add("class_samples", number(class_samples));
  add("product_of_towers", product_of_towers);
  add("modality_dropout", modality_dropout);
  add("hidden_dropout", hidden_dropout);
  add("normalisation", number(normalisation));
  add("anchor_power", sampling.anchor_power);
  add("positive_by_weight", sampling.positive_by_weight);
  add("optimiser", number(optimiser.kind));
  add("rate", optimiser.rate);
  add("momentum", optimiser.momentum);
  add("weight_decay", optimiser.weight_decay);
  add("schedule", number(optimiser.schedule));
  add("warm_up", number(optimiser.warm_up));
  add("decay", optimiser.decay);
  add("decay_every", number(optimiser.decay_every));
  add("hidden", number(hidden));
  add("outputs", number(outputs));
  add("batch", number(batch));
  add("steps", number(steps));
  add("seed", number(seed));
  add("network", number(network));
  add("precision", std::string(precision_name(precision)));
  add("device", std::string(device_name(device)));
  return lines;
}

}  // namespace cowatch
