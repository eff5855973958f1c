/*
 * usage: statistics FILE.spv ENTRY …
 * Compiles compute shaders on a Vulkan driver and prints the driver's own statistics of each: the file, then name=value, tabs between.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

#define CHECK(call)                             \
  do {                                          \
    VkResult result = (call);                   \
    if (result) {                               \
      fprintf(stderr, "%s: %d\n", #call, result); \
      exit(1);                                  \
    }                                           \
  } while (0)
#define COUNT 17 /* storage buffers of a kernel at most, and a uniform */

static VkDevice openDevice(void) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance;
  CHECK(vkCreateInstance(&info, 0, &instance));
  uint32_t n = 1;
  VkPhysicalDevice adapter = 0;
  vkEnumeratePhysicalDevices(instance, &n, &adapter);
  if (!adapter) {
    fprintf(stderr, "no adapter\n");
    exit(1);
  }
  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR, .pipelineExecutableInfo = 1};
  VkPhysicalDeviceVulkan13Features f13 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, .pNext = &statistics};
  VkPhysicalDeviceVulkan12Features f12 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, .pNext = &f13};
  VkPhysicalDeviceVulkan11Features f11 = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f12};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f11};
  vkGetPhysicalDeviceFeatures2(adapter, &features);
  float priority = 1;
  VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
  const char *extensions[] = {"VK_KHR_pipeline_executable_properties"};
  VkDeviceCreateInfo create = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .pNext = &features, .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue, .enabledExtensionCount = 1, .ppEnabledExtensionNames = extensions};
  VkDevice device;
  CHECK(vkCreateDevice(adapter, &create, 0, &device));
  return device;
}

static VkPipelineLayout layoutOf(VkDevice device) {
  VkDescriptorSetLayoutBinding bindings[COUNT];
  for (int i = 0; i < COUNT; i++)
    bindings[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, 0};
  VkDescriptorSetLayoutCreateInfo set = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = COUNT, .pBindings = bindings};
  VkDescriptorSetLayout sets;
  CHECK(vkCreateDescriptorSetLayout(device, &set, 0, &sets));
  VkPushConstantRange passed = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 128};
  VkPipelineLayoutCreateInfo info = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &sets,
                                     .pushConstantRangeCount = 1, .pPushConstantRanges = &passed};
  VkPipelineLayout layout;
  CHECK(vkCreatePipelineLayout(device, &info, 0, &layout));
  return layout;
}

int main(int argc, char **argv) {
  VkDevice device = openDevice();
  VkPipelineLayout layout = layoutOf(device);
  PFN_vkGetPipelineExecutableStatisticsKHR read = (PFN_vkGetPipelineExecutableStatisticsKHR)vkGetDeviceProcAddr(device, "vkGetPipelineExecutableStatisticsKHR");
  for (int a = 1; a + 1 < argc; a += 2) {
    FILE *file = fopen(argv[a], "rb");
    if (!file) return 1;
    fseek(file, 0, SEEK_END);
    size_t bytes = ftell(file);
    rewind(file);
    uint32_t *code = malloc(bytes);
    if (fread(code, 1, bytes, file) != bytes) return 1;
    fclose(file);
    VkShaderModuleCreateInfo shader = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = bytes, .pCode = code};
    VkShaderModule module;
    CHECK(vkCreateShaderModule(device, &shader, 0, &module));
    VkComputePipelineCreateInfo info = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .flags = VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR,
        .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = argv[a + 1]},
        .layout = layout};
    VkPipeline pipeline;
    printf("%s", argv[a]);
    VkResult made = vkCreateComputePipelines(device, 0, 1, &info, 0, &pipeline);
    if (made) printf("\tfailed=%d", made);
    else {
      VkPipelineExecutableInfoKHR which = {VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
      uint32_t count = 0;
      read(device, &which, &count, 0);
      VkPipelineExecutableStatisticKHR *found = calloc(count, sizeof *found);
      for (uint32_t i = 0; i < count; i++) found[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
      read(device, &which, &count, found);
      for (uint32_t i = 0; i < count; i++) printf("\t%s=%llu", found[i].name, (unsigned long long)found[i].value.u64);
    }
    printf("\n");
    fflush(stdout);
  }
  return 0;
}
