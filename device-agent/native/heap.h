/* Memory for the engine, which asks for it some ten thousand times in a pull: musl's own allocator would be a quarter of all
 * that the agent executes. Small blocks are cut off large ones, and kept by their size for the next of that size. All
 * pages of a large one are asked for at once: a fault for each was a sixth of the agent's start. */
enum { STEP = 16, SMALL = 64, SUPPLY = 4096, HEAD = sizeof(uint64_t) };
struct block { uint64_t steps; struct block *next; }; /* in use, what was asked for begins in place of `next` */
static struct block *kept[SMALL];
static size_t heap_in_use; /* of the one runtime: what its malloc_size is */
#define BLOCK(memory) ((struct block *)((char *)(memory) - HEAD))

static struct block *cut(size_t steps) {
    static char *supply;
    static size_t left;
    if (left < steps) {
        const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
        void *more = mmap(NULL, SUPPLY * STEP, PROT_READ | PROT_WRITE, how, -1, 0);
        if (more == MAP_FAILED) return NULL;
        supply = more, left = SUPPLY;
    }
    return (struct block *)(supply + STEP * (left -= steps));
}

static void *heap_take(JSMallocState *state, size_t size) {
    size_t steps = (size + HEAD + STEP - 1) / STEP, all = state->malloc_size + STEP * steps;
    if (size > state->malloc_limit || all > state->malloc_limit) return NULL;
    struct block *block = steps >= SMALL ? malloc(STEP * steps) : kept[steps] ? kept[steps] : cut(steps);
    if (!block) return NULL;
    if (steps < SMALL && block == kept[steps]) kept[steps] = block->next;
    block->steps = steps, state->malloc_size = heap_in_use = all, state->malloc_count++;
    return &block->next;
}

static void heap_give(JSMallocState *state, void *memory) {
    if (!memory) return;
    struct block *block = BLOCK(memory);
    state->malloc_size = heap_in_use -= STEP * block->steps, state->malloc_count--;
    if (block->steps >= SMALL) free(block);
    else block->next = kept[block->steps], kept[block->steps] = block;
}

static size_t heap_size(const void *memory) { return memory ? STEP * BLOCK(memory)->steps - HEAD : 0; }

static void *heap_resize(JSMallocState *state, void *memory, size_t size) {
    size_t had = heap_size(memory);
    if (size <= had && size > had / 2) return memory;
    void *moved = size > 0 ? heap_take(state, size) : NULL;
    if (moved && memory) memcpy(moved, memory, size < had ? size : had);
    if (moved || size == 0) heap_give(state, memory);
    return moved;
}
static const JSMallocFunctions heap = {heap_take, heap_give, heap_resize, heap_size};
