#include "math/matrix.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "math/float16.h"
#include "math/matrix_kernel.h"
#include "math/matrix_library.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

// Edge of a tile of the result. Each tile packs its parts of a and b anew, which costs about 2/edge of its
// multiplications, so tiles are large; the result is cut into more of them only as long as they stay above
// the least edge.
constexpr size_t largest_edge = 1024, least_edge = 192;
constexpr size_t wanted_tiles = 8;
constexpr size_t edge_unit =
    48;  // a multiple of what kernels work on at once (6, 8, 12, 16 rows and columns)

size_t pieces_of(size_t extent, size_t edge) {
  return std::max<size_t>(1, (extent + edge - 1) / edge);
}

// Equal pieces, so that threads end together.
size_t edge_of(size_t extent, size_t pieces) {
  const size_t edge = (extent + pieces - 1) / pieces;
  return std::max<size_t>(1, (edge + edge_unit - 1) / edge_unit * edge_unit);
}

struct Tiling {
  size_t row_edge, column_edge, row_pieces, column_pieces;
};

// A function of the shape alone: the number of threads must not change the result.
Tiling tiling_of(size_t rows, size_t columns) {
  size_t row_pieces = pieces_of(rows, largest_edge), column_pieces = pieces_of(columns, largest_edge);
  while (row_pieces * column_pieces < wanted_tiles) {
    const size_t row_edge = rows / row_pieces, column_edge = columns / column_pieces;
    if (std::max(row_edge, column_edge) < 2 * least_edge) break;
    (row_edge >= column_edge ? row_pieces : column_pieces) *= 2;
  }
  const size_t row_edge = edge_of(rows, row_pieces), column_edge = edge_of(columns, column_pieces);
  return {row_edge, column_edge, pieces_of(rows, row_edge), pieces_of(columns, column_edge)};
}

template <typename T>
ProductTask<T> whole_task(Transpose transpose_a, Transpose transpose_b, float alpha, MatrixView<const T> a,
                          MatrixView<const T> b, float beta, Matrix c) {
  const bool swap_a = transpose_a == Transpose::yes, swap_b = transpose_b == Transpose::yes;
  const size_t inner = swap_a ? a.rows : a.columns;
  if ((swap_a ? a.columns : a.rows) != c.rows || (swap_b ? b.rows : b.columns) != c.columns ||
      (swap_b ? b.columns : b.rows) != inner) {
    const auto shape = [](const auto& m) { return std::to_string(m.rows) + "×" + std::to_string(m.columns); };
    throw Error(ErrorCode::internal,
                "matrices of shapes " + shape(a) + ", " + shape(b) + " and " + shape(c) + " do not multiply");
  }
  ProductTask<T> task;
  task.transpose_a = transpose_a;
  task.transpose_b = transpose_b;
  task.rows = c.rows;
  task.columns = c.columns;
  task.inner = inner;
  task.alpha = alpha;
  task.a = a.data;
  task.stride_a = a.stride;
  task.b = b.data;
  task.stride_b = b.stride;
  task.beta = beta;
  task.c = c.data;
  task.stride_c = c.stride;
  return task;
}

template <typename T>
ProductTask<T> tile_task(const ProductTask<T>& whole, const Tiling& tiling, size_t tile) {
  const size_t row = tile / tiling.column_pieces * tiling.row_edge;
  const size_t column = tile % tiling.column_pieces * tiling.column_edge;
  ProductTask<T> task = whole;
  task.rows = std::min(tiling.row_edge, whole.rows - row);
  task.columns = std::min(tiling.column_edge, whole.columns - column);
  task.a += whole.transpose_a == Transpose::yes ? row : row * whole.stride_a;
  task.b += whole.transpose_b == Transpose::yes ? column * whole.stride_b : column;
  task.c += row * whole.stride_c + column;
  return task;
}

void scale(Matrix c, float beta) {
  for (size_t r = 0; r < c.rows; ++r) {
    for (float& value : c.row(r)) value = beta == 0 ? 0 : beta * value;
  }
}

// Calls `product` for every tile of the result, in parallel.
template <typename T, typename Product>
void for_each_tile(const ProductTask<T>& whole, const Product& product) {
  const Tiling tiling = tiling_of(whole.rows, whole.columns);
  parallel_for(tiling.row_pieces * tiling.column_pieces, 1, [&](size_t begin, size_t end) {
    for (size_t tile = begin; tile < end; ++tile) product(tile_task(whole, tiling, tile));
  });
}

// `rows` × `columns` words, widened to float32 without gaps between the rows.
std::vector<float> widened(const uint16_t* words, size_t rows, size_t columns, size_t stride) {
  std::vector<float> values(rows * columns);
  for (size_t r = 0; r < rows; ++r) {
    floats_from_bfloats({words + r * stride, columns}, {values.data() + r * columns, columns});
  }
  return values;
}

void multiply_widened(const MatrixLibrary& library, const ProductTask<uint16_t>& task) {
  const bool swap_a = task.transpose_a == Transpose::yes, swap_b = task.transpose_b == Transpose::yes;
  ProductTask<float> wide;
  wide.transpose_a = task.transpose_a;
  wide.transpose_b = task.transpose_b;
  wide.rows = task.rows;
  wide.columns = task.columns;
  wide.inner = task.inner;
  wide.alpha = task.alpha;
  wide.beta = task.beta;
  wide.c = task.c;
  wide.stride_c = task.stride_c;
  wide.stride_a = swap_a ? task.rows : task.inner;
  wide.stride_b = swap_b ? task.inner : task.columns;
  const auto a = widened(task.a, swap_a ? task.inner : task.rows, wide.stride_a, task.stride_a);
  const auto b = widened(task.b, swap_b ? task.columns : task.inner, wide.stride_b, task.stride_b);
  wide.a = a.data();
  wide.b = b.data();
  library.multiply(wide);
}

void multiply_bfloats(const MatrixLibrary* native, const ProductTask<uint16_t>& task) {
  if (native == nullptr) {
    multiply_widened(matrix_library(), task);
  } else if (!native->multiply(task)) {
    throw Error(ErrorCode::internal, native->name() + " refused a bfloat16 product it had accepted before");
  }
}

// One row by the rows of b: every number of b is used once, so that packing b, as products of matrices do, would
// take longer than the product.
bool is_row_by_rows(const ProductTask<float>& task) {
  return task.rows == 1 && task.transpose_a == Transpose::no && task.transpose_b == Transpose::yes;
}

constexpr size_t numbers_at_once = 1u << 16;  // of one thread, of b

void multiply_row(const ProductTask<float>& task) {
  const std::span row(task.a, task.inner);
  parallel_for(task.columns, std::max<size_t>(1, numbers_at_once / task.inner), [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k) {
      const float product = task.alpha * dot(row, {task.b + k * task.stride_b, task.inner});
      task.c[k] = task.beta == 0 ? product : product + task.beta * task.c[k];
    }
  });
}

bool is_trivial(size_t inner, float alpha, Matrix c) {
  return inner == 0 || alpha == 0 || c.rows == 0 || c.columns == 0;
}

}  // namespace

void multiply(Transpose transpose_a, Transpose transpose_b, float alpha, ConstMatrix a, ConstMatrix b,
              float beta, Matrix c) {
  const auto whole = whole_task(transpose_a, transpose_b, alpha, a, b, beta, c);
  if (is_trivial(whole.inner, alpha, c)) return scale(c, beta);
  if (is_row_by_rows(whole)) return multiply_row(whole);
  const MatrixLibrary& library = matrix_library();
  for_each_tile(whole, [&](const ProductTask<float>& task) { library.multiply(task); });
}

void multiply_here(Transpose transpose_a, Transpose transpose_b, float alpha, ConstMatrix a, ConstMatrix b,
                   float beta, Matrix c) {
  const auto whole = whole_task(transpose_a, transpose_b, alpha, a, b, beta, c);
  if (is_trivial(whole.inner, alpha, c)) return scale(c, beta);
  matrix_library().multiply(whole);
}

void multiply_row_halves(std::span<const float> row, MatrixView<const uint16_t> b, std::span<float> c) {
  if (row.size() != b.columns || c.size() != b.rows)
    throw Error(ErrorCode::internal, "a row and a matrix of halves do not multiply");
  parallel_for(b.rows, std::max<size_t>(1, numbers_at_once / std::max<size_t>(1, b.columns)), [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k) c[k] = dot_halves(row, b.row(k));
  });
}

void multiply_bf16(Transpose transpose_a, Transpose transpose_b, float alpha, MatrixView<const uint16_t> a,
                   MatrixView<const uint16_t> b, float beta, Matrix c) {
  const auto whole = whole_task(transpose_a, transpose_b, alpha, a, b, beta, c);
  if (is_trivial(whole.inner, alpha, c)) return scale(c, beta);
  const MatrixLibrary* native = bfloat_matrix_library();
  for_each_tile(whole, [&](const ProductTask<uint16_t>& task) { multiply_bfloats(native, task); });
}

void multiply_bf16_here(Transpose transpose_a, Transpose transpose_b, float alpha,
                        MatrixView<const uint16_t> a, MatrixView<const uint16_t> b, float beta, Matrix c) {
  const auto whole = whole_task(transpose_a, transpose_b, alpha, a, b, beta, c);
  if (is_trivial(whole.inner, alpha, c)) return scale(c, beta);
  multiply_bfloats(bfloat_matrix_library(), whole);
}

size_t even_edge(size_t extent, size_t most) {
  return edge_of(extent, pieces_of(extent, most));
}

bool bfloat_products_are_native() {
  return bfloat_matrix_library() != nullptr;
}

}  // namespace cowatch
