// cowatch-media: the program that opens people's files, apart from the rest so that it can be limited.
int main() {
  return 2;
}
