// The words of the world: every value of every factor, in English and Chinese.
#include "media/world.h"

namespace cowatch {
namespace {

constexpr Term families[] = {
    {"pets", "pets", "萌宠"},   {"wild", "wildlife", "动物世界"}, {"people", "people", "达人"},
    {"food", "food", "美食"},   {"vehicles", "vehicles", "交通"}, {"sport", "sport", "运动"},
    {"music", "music", "音乐"}, {"gadgets", "gadgets", "好物"},   {"plants", "plants", "植物"},
};

// Motions and sounds are numbered as in the tables below.
enum Motion : uint8_t { bounce, sway, spin, orbit, zigzag, pulse, glide, shiver };
enum Sound : uint8_t {
  lofi,
  house,
  rock,
  latin,
  waltz,
  chiptune,
  strings,
  rain,
  waves,
  birds,
  crowd,
  chatter
};
enum Background : uint8_t {
  hills,
  city,
  beach,
  kitchen,
  stage,
  forest,
  snow,
  desert,
  bedroom,
  space,
  reef,
  park
};

constexpr SubjectTerm subjects[] = {
    {"cat", "cat", "猫咪", 0, bounce, lofi, bedroom},
    {"dog", "dog", "狗狗", 0, zigzag, lofi, park},
    {"rabbit", "rabbit", "兔子", 0, bounce, birds, park},
    {"panda", "panda", "熊猫", 0, sway, strings, forest},
    {"fox", "fox", "狐狸", 0, zigzag, birds, forest},
    {"penguin", "penguin", "企鹅", 1, sway, waves, snow},
    {"parrot", "parrot", "鹦鹉", 1, shiver, birds, forest},
    {"owl", "owl", "猫头鹰", 1, pulse, birds, forest},
    {"fish", "fish", "小鱼", 1, glide, waves, reef},
    {"octopus", "octopus", "章鱼", 1, orbit, waves, reef},
    {"dancer", "dancer", "舞者", 2, spin, house, stage},
    {"cook", "cook", "厨师", 2, shiver, latin, kitchen},
    {"skater", "skater", "滑板少年", 2, glide, rock, city},
    {"yogi", "yogi", "瑜伽", 2, pulse, waves, beach},
    {"talker", "storyteller", "讲故事的人", 2, sway, chatter, bedroom},
    {"noodles", "noodles", "面条", 3, shiver, latin, kitchen},
    {"burger", "burger", "汉堡", 3, pulse, rock, kitchen},
    {"icecream", "ice cream", "冰淇淋", 3, sway, waltz, beach},
    {"cake", "cake", "蛋糕", 3, spin, waltz, kitchen},
    {"sushi", "sushi", "寿司", 3, orbit, strings, kitchen},
    {"car", "car", "汽车", 4, glide, house, city},
    {"bus", "bus", "巴士", 4, shiver, crowd, city},
    {"train", "train", "小火车", 4, glide, waltz, hills},
    {"rocket", "rocket", "火箭", 4, pulse, chiptune, space},
    {"boat", "sailing boat", "帆船", 4, sway, waves, beach},
    {"football", "football", "足球", 5, bounce, crowd, park},
    {"basketball", "basketball", "篮球", 5, bounce, crowd, city},
    {"tennis", "tennis", "网球", 5, zigzag, crowd, park},
    {"skateboard", "skateboard", "滑板", 5, spin, rock, city},
    {"kite", "kite", "风筝", 5, orbit, birds, hills},
    {"guitar", "guitar", "吉他", 6, sway, rock, stage},
    {"drums", "drum kit", "架子鼓", 6, shiver, rock, stage},
    {"keyboard", "keyboard", "键盘", 6, pulse, house, stage},
    {"violin", "violin", "小提琴", 6, sway, waltz, stage},
    {"trumpet", "trumpet", "小号", 6, zigzag, latin, stage},
    {"phone", "phone", "手机", 7, spin, chiptune, bedroom},
    {"sneaker", "sneaker", "球鞋", 7, bounce, house, city},
    {"headphones", "headphones", "耳机", 7, pulse, lofi, bedroom},
    {"camera", "camera", "相机", 7, orbit, chatter, hills},
    {"mug", "travel mug", "随行杯", 7, spin, lofi, kitchen},
    {"cactus", "cactus", "仙人掌", 8, shiver, latin, desert},
    {"sunflower", "sunflower", "向日葵", 8, sway, birds, hills},
    {"tulips", "tulips", "郁金香", 8, sway, waltz, park},
    {"bonsai", "bonsai", "盆景", 8, glide, strings, bedroom},
    {"mushroom", "mushroom", "蘑菇", 8, pulse, rain, forest},
};

constexpr Term motions[] = {
    {"bounce", "bouncing", "蹦蹦跳跳"}, {"sway", "swaying", "摇摆"},   {"spin", "spinning", "旋转"},
    {"orbit", "circling", "绕圈"},      {"zigzag", "zigzag", "走位"},  {"pulse", "pulsing", "律动"},
    {"glide", "gliding", "滑行"},       {"shiver", "shaking", "抖动"},
};

constexpr Term sounds[] = {
    {"lofi", "lo-fi", "低保真"},
    {"house", "house", "电子舞曲"},
    {"rock", "rock", "摇滚"},
    {"latin", "latin", "拉丁"},
    {"waltz", "waltz", "华尔兹"},
    {"chiptune", "chiptune", "像素音乐"},
    {"strings", "plucked strings", "古筝"},
    {"rain", "rain sounds", "雨声"},
    {"waves", "sea sounds", "海浪声"},
    {"birds", "birdsong", "鸟鸣"},
    {"crowd", "crowd", "现场欢呼"},
    {"chatter", "talking", "聊天"},
};

constexpr Term backgrounds[] = {
    {"hills", "hills", "山丘"},     {"city", "city", "城市"},     {"beach", "beach", "海边"},
    {"kitchen", "kitchen", "厨房"}, {"stage", "stage", "舞台"},   {"forest", "forest", "森林"},
    {"snow", "snow", "雪地"},       {"desert", "desert", "沙漠"}, {"bedroom", "room", "房间"},
    {"space", "space", "太空"},     {"reef", "reef", "海底"},     {"park", "park", "公园"},
};

constexpr Term palettes[] = {
    {"dawn", "dawn", "晨光"},   {"noon", "noon", "正午"},     {"sunset", "sunset", "日落"},
    {"night", "night", "夜色"}, {"mint", "mint", "薄荷"},     {"candy", "candy", "糖果"},
    {"mono", "ink", "水墨"},    {"autumn", "autumn", "秋日"},
};

constexpr Term places[] = {
    {"beijing", "Beijing", "北京"}, {"shanghai", "Shanghai", "上海"}, {"chengdu", "Chengdu", "成都"},
    {"lisbon", "Lisbon", "里斯本"}, {"nairobi", "Nairobi", "内罗毕"}, {"lima", "Lima", "利马"},
    {"oslo", "Oslo", "奥斯陆"},     {"tokyo", "Tokyo", "东京"},       {"toronto", "Toronto", "多伦多"},
    {"mumbai", "Mumbai", "孟买"},   {"berlin", "Berlin", "柏林"},     {"harbin", "Harbin", "哈尔滨"},
};

constexpr ProductTerm products[] = {
    {"p-lumo-phone", "Lumo One phone", "流明一号手机", 35, 0},
    {"p-lumo-phone-mini", "Lumo Mini phone", "流明迷你手机", 35, 1},
    {"p-strider", "Strider 7 sneaker", "疾风七代球鞋", 36, 2},
    {"p-strider-kids", "Strider Kids sneaker", "疾风童鞋", 36, 3},
    {"p-hush", "Hush headphones", "静听耳机", 37, 4},
    {"p-peek", "Peek pocket camera", "窥见口袋相机", 38, 5},
    {"p-tern-mug", "Tern travel mug", "燕鸥随行杯", 39, 6},
    {"p-corso", "Corso city car", "科尔索小车", 20, 7},
};

}  // namespace

std::span<const Term> family_terms() {
  return families;
}
std::span<const SubjectTerm> subject_terms() {
  return subjects;
}
std::span<const Term> motion_terms() {
  return motions;
}
std::span<const Term> sound_terms() {
  return sounds;
}
std::span<const Term> background_terms() {
  return backgrounds;
}
std::span<const Term> palette_terms() {
  return palettes;
}
std::span<const Term> place_terms() {
  return places;
}
std::span<const ProductTerm> product_terms() {
  return products;
}

}  // namespace cowatch
