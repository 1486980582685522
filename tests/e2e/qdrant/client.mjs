// Qdrant's own npm client against our server, over every call that docs/vector-search.md claims.
//   node client.mjs ADDRESS
import assert from "node:assert/strict";
import { QdrantClient } from "@qdrant/js-client-rest";

const address = process.argv[2];
const plain = new QdrantClient({ url: address, checkCompatibility: false });
const called = new Set();
// Notes which of its methods are called: at the end none may be left that was neither claimed nor refused.
const client = new Proxy(plain, {
  get(target, name) {
    const value = target[name];
    if (typeof value !== "function") return value;
    return (...given) => {
      called.add(name);
      return value.apply(target, given);
    };
  },
});
const ids = (points) => points.map((point) => point.id);
let checks = 0;
async function check(name, work) {
  try {
    await work();
    checks += 1;
  } catch (error) {
    console.error(`FAILED: ${name}\n${error.stack}\n${JSON.stringify(error.data ?? null)}`);
    process.exit(1);
  }
}
// The call must fail with this status, and its message must name the place.
async function refused(name, status, words, work) {
  await check(name, async () => {
    const error = await work().then(() => assert.fail("it was accepted"), (thrown) => thrown);
    assert.equal(error.status, status, error.stack);
    assert.match(JSON.stringify(error.data ?? ""), words);
  });
}

const points = [
  { id: 1, vector: [1, 0, 0, 0], payload: { city: "Berlin", price: 10, tags: ["a", "b"], when: "2024-05-01T10:00:00Z", open: true } },
  { id: 2, vector: [0.9, 0.1, 0, 0], payload: { city: "London", price: 20.5, tags: ["b"], when: "2024-06-01", open: false } },
  { id: 3, vector: [0, 1, 0, 0], payload: { city: "Berlin", price: 30, nested: { country: "Germany" } } },
  { id: 4, vector: [0, 0, 1, 0], payload: { city: ["Rome", "Berlin"], price: 40, none: null } },
  { id: "550e8400-e29b-41d4-a716-446655440000", vector: [0, 0, 0, 1], payload: {} },
];
const uuid = points[4].id;

await check("versionInfo", async () => assert.equal((await client.versionInfo()).version, "1.18.0"));
await check("createCollection", async () => assert.equal(await client.createCollection("films", { vectors: { size: 4, distance: "Cosine" } }), true));
await refused("createCollection twice", 409, /already exists/, () => client.createCollection("films", { vectors: { size: 4, distance: "Cosine" } }));
await refused("named vectors", 501, /named vectors/, () => client.createCollection("x", { vectors: { image: { size: 4, distance: "Dot" } } }));
await refused("Manhattan", 501, /distance/, () => client.createCollection("x", { vectors: { size: 4, distance: "Manhattan" } }));
await check("collectionExists", async () => {
  assert.equal((await client.collectionExists("films")).exists, true);
  assert.equal((await client.collectionExists("nothing")).exists, false);
});
await check("getCollections", async () => assert.deepEqual((await client.getCollections()).collections, [{ name: "films" }]));
await check("upsert", async () => assert.equal((await client.upsert("films", { points })).status, "completed"));
await check("upsert by columns", async () => {
  await client.upsert("films", { batch: { ids: [10, 11], vectors: [[1, 1, 0, 0], [0, 1, 1, 0]], payloads: [{ city: "Paris" }, null] } });
  assert.equal((await client.count("films")).count, 7);
  await client.delete("films", { points: [10, 11] });
});
await check("getCollection", async () => {
  const info = await client.getCollection("films");
  assert.equal(info.points_count, 5);
  assert.deepEqual(info.config.params.vectors, { size: 4, distance: "Cosine" });
});
await check("updateCollection", async () => assert.equal(await client.updateCollection("films", { optimizers_config: { indexing_threshold: 10000 } }), true));
await check("createPayloadIndex", async () => assert.equal((await client.createPayloadIndex("films", { field_name: "city", field_schema: "keyword" })).status, "completed"));
await check("deletePayloadIndex", async () => assert.equal((await client.deletePayloadIndex("films", "city")).status, "completed"));

await check("settings that change nothing here", async () => {
  const config = { vectors: { size: 2, distance: "Dot", on_disk: true }, hnsw_config: { m: 8, on_disk: false, payload_m: 16 },
    optimizers_config: { max_optimization_threads: "auto", deleted_threshold: 0.2 }, on_disk_payload: true, wal_config: { wal_capacity_mb: 32 } };
  await client.createCollection("tuned", config);
  await client.createPayloadIndex("tuned", { field_name: "a", field_schema: { type: "integer", lookup: true, range: false } });
  await client.deleteCollection("tuned");
});
await refused("a condition that says nothing", 422, /filter\/must\/0/, () => client.delete("films", { filter: { must: [{}] } }));
await refused("points beside a filter", 422, /points or filter/, () => client.delete("films", { points: [1], filter: { must: [{ has_id: [2] }] } }));

await check("search", async () => {
  const found = await client.search("films", { vector: [1, 0, 0, 0], limit: 3, with_vector: true });
  assert.deepEqual(ids(found).slice(0, 2), [1, 2]);
  assert.ok(Math.abs(found[0].score - 1) < 1e-6);
  assert.equal(found[0].payload.city, "Berlin");
  assert.equal(found[0].vector.length, 4);
});
await check("search: offset, threshold, parts of the payload", async () => {
  assert.deepEqual(ids(await client.search("films", { vector: [1, 0, 0, 0], offset: 1, limit: 1 })), [2]);
  assert.deepEqual(ids(await client.search("films", { vector: [1, 0, 0, 0], score_threshold: 0.5 })), [1, 2]);
  const [first] = await client.search("films", { vector: [1, 0, 0, 0], limit: 1, with_payload: ["city"] });
  assert.deepEqual(first.payload, { city: "Berlin" });
  const [without] = await client.search("films", { vector: [1, 0, 0, 0], limit: 1, with_payload: { exclude: ["city", "tags", "when"] } });
  assert.deepEqual(without.payload, { price: 10, open: true });
});
const filters = [
  ["match value", { must: [{ key: "city", match: { value: "Berlin" } }] }, [1, 3, 4]],
  ["match any", { must: [{ key: "city", match: { any: ["London", "Rome"] } }] }, [2, 4]],
  ["match except", { must: [{ key: "city", match: { except: ["Berlin"] } }] }, [2, 4]],
  ["match text", { must: [{ key: "city", match: { text: "on" } }] }, [2]],
  ["match bool", { must: [{ key: "open", match: { value: true } }] }, [1]],
  ["match whole number", { must: [{ key: "price", match: { value: 30 } }] }, [3]],
  ["range", { must: [{ key: "price", range: { gte: 20, lt: 40 } }] }, [2, 3]],
  ["range of dates", { must: [{ key: "when", range: { gt: "2024-05-15T00:00:00Z" } }] }, [2]],
  ["nested key", { must: [{ key: "nested.country", match: { value: "Germany" } }] }, [3]],
  ["values_count", { must: [{ key: "tags", values_count: { gte: 2 } }] }, [1]],
  ["is_empty", { must: [{ is_empty: { key: "price" } }] }, [uuid]],
  ["is_null", { must: [{ is_null: { key: "none" } }] }, [4]],
  ["has_id", { must: [{ has_id: [1, uuid] }] }, [1, uuid]],
  ["must_not", { must_not: [{ key: "city", match: { value: "Berlin" } }] }, [2, uuid]],
  ["should", { should: [{ key: "price", range: { gt: 35 } }, { has_id: [2] }] }, [2, 4]],
  ["min_should", { min_should: { conditions: [{ key: "city", match: { value: "Berlin" } }, { key: "price", range: { gt: 15 } }], min_count: 2 } }, [3, 4]],
  ["filter within a filter", { must: [{ should: [{ has_id: [1] }, { has_id: [3] }] }, { key: "price", range: { gt: 15 } }] }, [3]],
];
for (const [name, filter, expected] of filters) {
  await check(`filter: ${name}`, async () => {
    assert.deepEqual(ids((await client.scroll("films", { filter, limit: 100 })).points), expected);
    assert.equal((await client.count("films", { filter })).count, expected.length);
    const found = await client.search("films", { vector: [1, 1, 1, 1], filter, limit: 100 });
    assert.deepEqual(new Set(ids(found)), new Set(expected));
  });
}
await check("searchBatch", async () => {
  const lists = await client.searchBatch("films", { searches: [{ vector: [1, 0, 0, 0], limit: 1 }, { vector: [0, 0, 1, 0], limit: 1 }] });
  assert.deepEqual(lists.map(ids), [[1], [4]]);
});
await check("searchPointGroups", async () => {
  const { groups } = await client.searchPointGroups("films", { vector: [1, 0, 0, 0], group_by: "city", group_size: 1, limit: 2 });
  assert.deepEqual(groups.map((group) => [group.id, ids(group.hits)]), [["Berlin", [1]], ["London", [2]]]);
});
await check("recommend", async () => {
  assert.deepEqual(ids(await client.recommend("films", { positive: [1], limit: 1 })), [2]);
  assert.deepEqual(ids(await client.recommend("films", { positive: [1], negative: [3], strategy: "best_score", limit: 1 })), [2]);
  assert.deepEqual((await client.recommendBatch("films", { searches: [{ positive: [1], limit: 1 }] })).map(ids), [[2]]);
  assert.deepEqual((await client.recommend_batch("films", { searches: [{ positive: [1], limit: 1 }] })).map(ids), [[2]]);
});
await check("query", async () => {
  assert.deepEqual(ids((await client.query("films", { query: [0, 1, 0, 0], limit: 1 })).points), [3]);
  assert.deepEqual(ids((await client.query("films", { query: 1, limit: 1 })).points), [2]);
  assert.deepEqual(ids((await client.query("films", { query: { nearest: [0, 0, 1, 0] }, limit: 1 })).points), [4]);
  assert.deepEqual(ids((await client.query("films", { query: { recommend: { positive: [1] } }, limit: 1 })).points), [2]);
  assert.deepEqual((await client.queryBatch("films", { searches: [{ query: 1, limit: 1 }] })).map((list) => ids(list.points)), [[2]]);
  const { groups } = await client.queryGroups("films", { query: [1, 0, 0, 0], group_by: "city", group_size: 1, limit: 1 });
  assert.equal(groups[0].id, "Berlin");
});
await check("retrieve", async () => {
  const found = await client.retrieve("films", { ids: [3, uuid, 999], with_vector: true });
  assert.deepEqual(ids(found), [3, uuid]);
  assert.deepEqual(found[0].vector, [0, 1, 0, 0]);
});
await check("scroll, page by page", async () => {
  const first = await client.scroll("films", { limit: 3 });
  assert.deepEqual(ids(first.points), [1, 2, 3]);
  const rest = await client.scroll("films", { limit: 3, offset: first.next_page_offset });
  assert.deepEqual(ids(rest.points), [4, uuid]);
  assert.equal(rest.next_page_offset, null);
});
await check("facet", async () => {
  const { hits } = await client.facet("films", { key: "city" });
  assert.deepEqual(hits[0], { value: "Berlin", count: 3 });
});
await check("payloads", async () => {
  await client.setPayload("films", { payload: { seen: 1 }, points: [1] });
  await client.overwritePayload("films", { payload: { only: "this" }, points: [2] });
  await client.deletePayload("films", { keys: ["price"], points: [3] });
  await client.clearPayload("films", { points: [4] });
  const [one, two, three, four] = await client.retrieve("films", { ids: [1, 2, 3, 4] });
  assert.equal(one.payload.seen, 1);
  assert.equal(one.payload.city, "Berlin");
  assert.deepEqual(two.payload, { only: "this" });
  assert.deepEqual(three.payload, { city: "Berlin", nested: { country: "Germany" } });
  assert.deepEqual(four.payload, {});
});
await check("updateVectors", async () => {
  await client.updateVectors("films", { points: [{ id: 4, vector: [1, 0, 0, 0] }] });
  assert.deepEqual((await client.retrieve("films", { ids: [4], with_vector: true }))[0].vector, [1, 0, 0, 0]);
});
await check("batchUpdate", async () => {
  const results = await client.batchUpdate("films", {
    operations: [
      { upsert: { points: [{ id: 20, vector: [0, 0, 1, 1], payload: { city: "Oslo" } }] } },
      { set_payload: { payload: { far: true }, filter: { must: [{ key: "city", match: { value: "Oslo" } }] } } },
      { delete: { points: [uuid] } },
    ],
  });
  assert.equal(results.length, 3);
  assert.equal((await client.retrieve("films", { ids: [20] }))[0].payload.far, true);
  assert.equal((await client.retrieve("films", { ids: [uuid] })).length, 0);
});
await check("delete by filter", async () => {
  await client.delete("films", { filter: { must: [{ key: "city", match: { value: "Oslo" } }] } });
  assert.equal((await client.count("films")).count, 4);
});
await check("aliases, switched at once", async () => {
  await client.createCollection("films_v2", { vectors: { size: 2, distance: "Dot" } });
  await client.upsert("films_v2", { points: [{ id: 1, vector: [3, 4] }] });
  await client.updateCollectionAliases({ actions: [{ create_alias: { collection_name: "films", alias_name: "live" } }] });
  assert.equal((await client.count("live")).count, 4);
  await client.updateCollectionAliases({ actions: [{ delete_alias: { alias_name: "live" } }, { create_alias: { collection_name: "films_v2", alias_name: "live" } }] });
  assert.equal((await client.count("live")).count, 1);
  await client.updateCollectionAliases({ actions: [{ rename_alias: { old_alias_name: "live", new_alias_name: "now" } }] });
  assert.deepEqual((await client.getAliases()).aliases, [{ alias_name: "now", collection_name: "films_v2" }]);
  assert.equal((await client.getCollectionAliases("films_v2")).aliases.length, 1);
  const [found] = await client.search("now", { vector: [1, 1], limit: 1 });
  assert.equal(found.score, 7);
});
await check("Euclid", async () => {
  await client.createCollection("plane", { vectors: { size: 2, distance: "Euclid" } });
  await client.upsert("plane", { points: [{ id: 1, vector: [0, 0] }, { id: 2, vector: [3, 4] }] });
  const found = await client.search("plane", { vector: [0, 0], limit: 2 });
  assert.deepEqual(found.map((point) => [point.id, point.score]), [[1, 0], [2, 5]]);
  assert.deepEqual(ids(await client.search("plane", { vector: [0, 0], score_threshold: 1 })), [1]);
});
await check("snapshots", async () => {
  const made = await client.createSnapshot("films");
  assert.ok(made.size > 0);
  assert.deepEqual((await client.listSnapshots("films")).map((each) => each.name), [made.name]);
  await client.delete("films", { points: [1] });
  assert.equal((await client.count("films")).count, 3);
  assert.equal(await client.recoverSnapshot("films", { location: made.name }), true);
  assert.equal((await client.count("films")).count, 4);
  assert.equal(await client.deleteSnapshot("films", made.name), true);
});

await refused("another dimension", 422, /points\/0\/vector/, () => client.upsert("films", { points: [{ id: 1, vector: [1, 2] }] }));
await refused("another dimension of a query", 422, /vector/, () => client.search("films", { vector: [1] }));
await refused("zeros under cosine", 422, /points\/1\/vector/, () => client.upsert("films", { points: [points[0], { id: 77, vector: [0, 0, 0, 0] }] }));
await check("nothing is half-applied", async () => assert.equal((await client.retrieve("films", { ids: [77] })).length, 0));
await refused("NaN", 422, /vector\/0/, () => client.upsert("films", { points: [{ id: 1, vector: [NaN, 0, 0, 0] }] }));
await refused("limit 0", 422, /limit/, () => client.search("films", { vector: [1, 0, 0, 0], limit: 0 }));
await refused("a limit past all bounds", 422, /limit/, () => client.search("films", { vector: [1, 0, 0, 0], limit: 1e9 }));
await refused("an unknown condition", 422, /filter\/must\/0/, () => client.count("films", { filter: { must: [{ key: "a", matches: {} }] } }));
await refused("a wrong type in a filter", 422, /filter\/must\/0\/match\/value/, () => client.count("films", { filter: { must: [{ key: "a", match: { value: 1.5 } }] } }));
await refused("geo", 501, /geo_radius/, () => client.count("films", { filter: { must: [{ key: "a", geo_radius: { center: { lon: 1, lat: 1 }, radius: 1 } }] } }));
await refused("an id twice in a batch", 422, /points\/1\/id/, () => client.upsert("films", { points: [points[0], points[0]] }));
await refused("a negative id", 422, /points\/0\/id/, () => client.upsert("films", { points: [{ id: -1, vector: [1, 0, 0, 0] }] }));
await refused("an unknown field", 422, /vectr/, () => client.api().upsertPoints({ collection_name: "films", points: [{ id: 1, vectr: [1] }] }));
await refused("an unknown collection", 404, /nothing/, () => client.search("nothing", { vector: [1] }));
await check("recommendPointGroups", async () => {
  const { groups } = await client.recommendPointGroups("films", { positive: [1], group_by: "city", group_size: 1, limit: 1 });
  assert.equal(groups.length, 1);
});
await check("recreateCollection", async () => {
  assert.equal(await client.recreateCollection("plane", { vectors: { size: 3, distance: "Euclid" } }), true);
  assert.equal((await client.getCollection("plane")).config.params.vectors.size, 3);
});
const one = /shards are servers of their own/;
for (const [name, words, work] of [
  ["clusterTelemetry", one, () => client.clusterTelemetry()],
  ["collectionClusterInfo", one, () => client.collectionClusterInfo("films")],
  ["updateCollectionCluster", one, () => client.updateCollectionCluster("films", { drop_replica: { shard_id: 0, peer_id: 0 } })],
  ["listShardKeys", one, () => client.listShardKeys("films")],
  ["createShardKey", one, () => client.createShardKey("films", { shard_key: "a" })],
  ["deleteShardKey", one, () => client.deleteShardKey("films", { shard_key: "a" })],
  ["listShardSnapshots", one, () => client.listShardSnapshots("films", 0)],
  ["createShardSnapshot", one, () => client.createShardSnapshot("films", 0, {})],
  ["recoverShardFromSnapshot", one, () => client.recoverShardFromSnapshot("films", 0, { location: "a" })],
  ["deleteShardSnapshot", one, () => client.deleteShardSnapshot("films", 0, "a", {})],
  ["listFullSnapshots", /collection by collection/, () => client.listFullSnapshots()],
  ["createFullSnapshot", /collection by collection/, () => client.createFullSnapshot()],
  ["deleteFullSnapshot", /collection by collection/, () => client.deleteFullSnapshot("a")],
  ["deleteVectors", /one unnamed vector/, () => client.deleteVectors("films", { points: [1], vector: ["a"] })],
  ["discoverPoints", /recommend takes positive and negative/, () => client.discoverPoints("films", { target: 1, limit: 1 })],
  ["discoverBatchPoints", /recommend takes positive and negative/, () => client.discoverBatchPoints("films", { searches: [{ target: 1, limit: 1 }] })],
  ["searchMatrixPairs", /all pairs/, () => client.searchMatrixPairs("films", { sample: 2 })],
  ["searchMatrixOffsets", /all pairs/, () => client.searchMatrixOffsets("films", { sample: 2 })],
  ["getOptimizations", /whether indexing goes on/, () => client.getOptimizations("films")],
])
  await refused(name, 501, words, work);
for (const [what, words, query] of [
  ["fusion", /query\/fusion/, { fusion: "rrf" }],
  ["order_by", /query\/order_by/, { order_by: "price" }],
  ["sample", /query\/sample/, { sample: "random" }],
  ["context", /query\/context/, { context: [] }],
  ["formula", /query\/formula/, { formula: {} }],
  ["a sparse vector", /query\/indices/, { indices: [1], values: [1] }],
])
  await refused(`query by ${what}`, 501, words, () => client.query("films", { query }));
await refused("prefetch", 501, /prefetch/, () => client.query("films", { prefetch: [{ query: 1 }], query: 1 }));
await refused("using a named vector", 501, /using/, () => client.query("films", { query: 1, using: "image" }));
await check("a filter nested 10,000 deep", async () => {
  const text = '{"filter":' + '{"must":['.repeat(10000) + "]}".repeat(10000) + "}";
  const answer = await fetch(`${address}/collections/films/points/count`, { method: "POST", body: text });
  assert.equal(answer.status, 422);
  assert.match((await answer.json()).status.error, /nested too deeply/);
});
await check("a body cut off", async () => {
  const answer = await fetch(`${address}/collections/films/points`, { method: "PUT", body: '{"points":[{"id":1,"vec' });
  assert.equal(answer.status, 422);
  assert.match((await answer.json()).status.error, /not JSON/);
});
await check("deleteCollection", async () => {
  assert.equal(await client.deleteCollection("plane"), true);
  assert.equal(await client.deleteCollection("plane"), false);
});
await check("every method of the client is claimed or refused", async () => {
  const all = Object.getOwnPropertyNames(QdrantClient.prototype).filter((name) => name !== "constructor" && typeof plain[name] === "function");
  assert.deepEqual(all.filter((name) => !called.has(name)), []);
});
await check("metrics", async () => {
  const text = await (await fetch(`${address}/metrics`)).text();
  assert.match(text, /cowatch_vectors_request_seconds_bucket\{operation="POST \/collections\/\{name\}\/points\/search",le="0.001"\} \d/);
  assert.match(text, /cowatch_vectors_points\{collection="films"\} 4/);
});
console.log(`${checks} checks of Qdrant's client passed`);
