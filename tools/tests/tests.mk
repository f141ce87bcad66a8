# SPDX-License-Identifier: GPL-2.0-only
#
# Unit tests of the tool, with address and undefined-behaviour sanitizers on.
# They run its own objects, compiled once more, on a fake cgroup root.

SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all

tobj := $(O)/obj/tools/tests
test_cflags := $(colo_cflags) -Icolo -Itests -g -O1 -fno-omit-frame-pointer \
	       $(SANITIZE) \
	       $(shell $(PKG_CONFIG) --cflags cmocka)
test_libs := $(shell $(PKG_CONFIG) --libs json-c cmocka)
test_wrap := -Wl,--wrap=mkdir,--wrap=rmdir,--wrap=open,--wrap=write
test_objs := $(srcs:%.c=$(tobj)/%.o) $(tobj)/fake.o $(tobj)/test_colo.o

check: $(tobj)/test_colo $(O)/tools/colo
	CMOCKA_MESSAGE_OUTPUT=TAP $(tobj)/test_colo
	tests/cli.sh $(O)/tools/colo
	tests/completion.sh $(O)/tools/colo

$(tobj)/test_colo: $(test_objs)
	$(CC) $(SANITIZE) $(test_wrap) -o $@ $^ $(test_libs)

# main() of the tool becomes a function that the tests call
$(tobj)/main.o: test_cflags += -Dmain=colo_main -Wno-missing-prototypes

$(tobj)/%.o: colo/%.c | $(tobj)
	$(CC) $(test_cflags) -c -o $@ $<

$(tobj)/%.o: tests/%.c | $(tobj)
	$(CC) $(test_cflags) -c -o $@ $<

$(tobj):
	mkdir -p $@

-include $(wildcard $(tobj)/*.d)
