"""The driver's calls, against a library in C that answers as NVIDIA's does, in host memory; and a device, if any."""

import shutil
import subprocess

import numpy as np
import pytest

from simulator import cuda_driver
from simulator.cuda_driver import CudaDevice, CudaError, Image

STUB = r"""
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
typedef unsigned long long ptr;
typedef struct {
    size_t src_x, src_y; int src_kind; const void *src_host; ptr src; void *src_array; size_t src_pitch;
    size_t dst_x, dst_y; int dst_kind; void *dst_host; ptr dst; void *dst_array; size_t dst_pitch;
    size_t width, height;
} copy2d;
static ptr reserved = 0;
int cuInit(unsigned flags) { return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *device, int n) { *device = 7; return 0; }
int cuDeviceGetName(char *name, int n, int device) { strncpy(name, "Paper GPU", n); return device == 7 ? 0 : 101; }
int cuDeviceGetAttribute(int *out, int what, int device) { *out = what == 75 ? 9 : what == 76 ? 0 : 132; return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = (void *)0x1234; return 0; }
int cuCtxSetCurrent(void *context) { return context == (void *)0x1234 ? 0 : 201; }
int cuMemGetInfo_v2(size_t *free_, size_t *total) { *free_ = 1 << 20; *total = (size_t)5 << 32; return 0; }
int cuMemAlloc_v2(ptr *out, size_t size) { *out = (ptr)malloc(size); reserved += size; return 0; }
int cuMemFree_v2(ptr p) { free((void *)p); return 0; }
int cuMemsetD8_v2(ptr p, unsigned char v, size_t n) { memset((void *)p, v, n); return 0; }
int cuMemcpyHtoD_v2(ptr to, const void *from, size_t n) { memcpy((void *)to, from, n); return 0; }
int cuMemcpyDtoH_v2(void *to, ptr from, size_t n) { memcpy(to, (void *)from, n); return 0; }
int cuMemcpyDtoD_v2(ptr to, ptr from, size_t n) { memcpy((void *)to, (void *)from, n); return 0; }
int cuMemcpy2DUnaligned_v2(const copy2d *c) {
    if (c->dst_kind != 2 || c->src_x || c->dst_x || c->src_y || c->dst_y) return 1;
    const char *from = c->src_kind == 1 ? c->src_host : (const char *)c->src;
    for (size_t n = 0; n < c->height; n++) memcpy((char *)c->dst + n * c->dst_pitch, from + n * c->src_pitch, c->width);
    return 0;
}
int cuModuleLoadDataEx(void **module, const void *code, unsigned n, int *options, void **values) {
    if (n != 2 || options[0] != 5 || options[1] != 6 || (size_t)values[1] < 64) return 1;
    if (strcmp(code, "good")) { strcpy(values[0], "unexpected token"); return 218; }
    *module = (void *)0x77; return 0;
}
int cuModuleGetFunction(void **f, void *module, const char *name) {
    if (module != (void *)0x77 || strcmp(name, "mangled")) return 500;
    *f = (void *)0x99; return 0;
}
int cuFuncSetCacheConfig(void *f, int config) { return f == (void *)0x99 && config == 2 ? 0 : 1; }
int cuFuncGetAttribute(int *out, int what, void *f) { *out = what == 4 ? 96 : what == 3 ? 32 : -1; return 0; }
int cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, void *f, int block, size_t shared) {
    *n = 512 / block; return 0;
}
int cuCtxSetLimit(int what, size_t value) { return what == 0 && value == 2048 ? 0 : 1; }
int cuCtxSynchronize(void) { return 0; }
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **args, void **extra) {
    if (f != (void *)0x99 || gy != 1 || gz != 1 || by != 1 || bz != 1 || shared || stream || extra) return 1;
    int64_t threads = *(int64_t *)args[0];
    int64_t *out = (int64_t *)*(int64_t *)args[1];
    out[0] = threads; out[1] = gx; out[2] = bx; out[3] = *(int64_t *)args[2];
    return 0;
}
int cuEventCreate(void **e, unsigned flags) { *e = (void *)0x5; return 0; }
int cuEventRecord(void *e, void *stream) { return stream ? 1 : 0; }
int cuEventSynchronize(void *e) { return 0; }
int cuEventElapsedTime(float *ms, void *a, void *b) { *ms = 250.0f; return 0; }
int cuGetErrorName(int code, const char **out) { *out = "CUDA_ERROR_INVALID_PTX"; return 0; }
int cuGetErrorString(int code, const char **out) { *out = "a PTX JIT compilation failed"; return 0; }
"""


@pytest.fixture
def device(tmp_path, monkeypatch):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the library that stands in for the driver")
    (tmp_path / "cuda.c").write_text(STUB)
    library = tmp_path / "libcuda_stub.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, tmp_path / "cuda.c"], check=True)
    monkeypatch.setattr(cuda_driver, "_LIBRARIES", (str(library),))
    return CudaDevice()


def test_a_device_says_what_it_is(device):
    assert (device.name, device.capability, device.processors) == ("Paper GPU", (9, 0), 132)
    assert device.memory() == (1 << 20, 5 << 32)


def test_more_memory_than_is_free_is_refused(device):
    with pytest.raises(CudaError, match=r"1\.00 GiB of device memory asked for, 0\.00 of 20\.00 GiB are free"):
        device.reserve(1 << 30)


@pytest.mark.parametrize(("rows", "width", "times"), [(1, 5, 4), (3, 8, 5), (7, 4, 2), (4, 6, 1)])
def test_rows_are_written_apart_and_repeated(device, rows, width, times):
    data = np.arange(rows * width, dtype=np.uint8).reshape(rows, width)
    pitch = width * times + (width // 2 if times > 1 else 0)  # the last repetition need not be whole
    address = device.reserve(rows * pitch)
    device.fill(address, rows * pitch, 0xA5)
    device.write(address, data, rows, pitch)
    device.spread(address, rows, width, pitch)
    out = np.zeros((rows, pitch), np.uint8)
    device.read(address, out)
    np.testing.assert_array_equal(out, np.tile(data, (1, times + 1))[:, :pitch])
    device.release(address)


def test_a_kernel_gets_its_threads_and_addresses(device):
    taken = device.load({"move": Image("mangled", b"good\0", 1800)})
    assert taken["move"] == (96, 32, 8)
    out = np.zeros(4, np.int64)
    device.launch("move", 130, (out.ctypes.data, 4321))
    assert out.tolist() == [130, 3, 64, 4321]
    device.blocks["move"] = 128
    device.launch("move", 130, (out.ctypes.data, -1))
    assert out.tolist() == [130, 2, 128, -1]
    assert device.between(device.mark(), device.mark()) == 0.25


def test_code_that_the_driver_does_not_take_is_told_with_its_log(device):
    with pytest.raises(CudaError, match=r"kernel move: .*INVALID_PTX \(218\).*unexpected token"):
        device.load({"move": Image("mangled", b"bad\0", 0)})
    with pytest.raises(CudaError, match=r"cuModuleGetFunction: .* \(500\)"):
        device.load({"move": Image("another", b"good\0", 0)})


def test_without_a_driver_it_says_so(monkeypatch):
    monkeypatch.setattr(cuda_driver, "_LIBRARIES", ("libno_such_driver.so",))
    with pytest.raises(CudaError, match="no NVIDIA driver: none of libno_such_driver.so"):
        CudaDevice()


@pytest.mark.gpu
def test_a_real_device_keeps_and_repeats_memory():
    try:
        device = CudaDevice()
    except CudaError as error:
        pytest.skip(str(error))
    data = np.random.default_rng(1).random((37, 24)).astype(np.float32)
    address = device.reserve(37 * 96 * 5)
    device.write(address, data, 37, 96 * 5)
    device.spread(address, 37, 96, 96 * 5)
    out = np.zeros((37, 24 * 5), np.float32)
    device.read(address, out)
    np.testing.assert_array_equal(out, np.tile(data, (1, 5)))
    device.release(address)
