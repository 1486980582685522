// A linear embedding in closed form: what a video's features share with those of its neighbours.
//
// Ours, as a branch of the default method. With X the centred features of n videos, C = XᵀX / n + λ·mean
// variance, its Cholesky factor C = L Lᵀ, and N = D^-½ A D^-½ the graph with hubs damped, S = L⁻¹ (Xᵀ N X /
// n) L⁻ᵀ says which directions neighbours share once all directions are made equally strong (canonical
// correlations). The eigenvectors u_i with the largest values s_i > 0 make the map with rows √s_i · u_iᵀ L⁻¹.
// No random draws, no steps: it does not fit a small corpus by heart as a network does.
#pragma once

#include "graph/graph.h"
#include "learn/features.h"
#include "learn/relational/network.h"

namespace cowatch {

// One branch for each damping λ; a map has at most `outputs` rows. Time grows with edges · width + videos ·
// width² + width³; memory with width². Throws bad_input when no direction is shared.
std::vector<Branch> linear_branches(const FeatureTable& features, const Graph& graph,
                                    std::span<const double> dampings, size_t outputs);

// The same map, but of `units` random hidden units relu(W·x + b) of the features normalised so (random
// features: Rahimi and Recht, NIPS 2007): a curved embedding in closed form, for features of few columns. W
// and b depend on the seed only. Fitted on at most 50,000 videos, evenly chosen; memory: their hidden units.
Branch random_unit_branch(const FeatureTable& features, const Graph& graph, NormalisationKind kind,
                          size_t units, double damping, size_t outputs, uint64_t seed);

}  // namespace cowatch
