/** Cases of operators that the library has, but not in this form; by the reason. */
export const notTaken: Readonly<Record<string, readonly string[]>> = {
  'clamps whole numbers; ours takes floats': ['clip_default_int8_inbounds', 'clip_default_int8_max', 'clip_default_int8_min'],
  'three spatial dimensions': ['convtranspose_3d'],
  'windows of whole numbers, which PyTorch does not pool either': ['maxpool_2d_uint8'],
  'of equals the last place; PyTorch’s and ours is the first': [
    'argmax_default_axis_example_select_last_index',
    'argmax_default_axis_random_select_last_index',
    'argmax_keepdims_example_select_last_index',
    'argmax_keepdims_random_select_last_index',
    'argmax_negative_axis_keepdims_example_select_last_index',
    'argmax_negative_axis_keepdims_random_select_last_index',
    'argmax_no_keepdims_example_select_last_index',
    'argmax_no_keepdims_random_select_last_index',
    'argmin_default_axis_example_select_last_index',
    'argmin_default_axis_random_select_last_index',
    'argmin_keepdims_example_select_last_index',
    'argmin_keepdims_random_select_last_index',
    'argmin_negative_axis_keepdims_example_select_last_index',
    'argmin_negative_axis_keepdims_random_select_last_index',
    'argmin_no_keepdims_example_select_last_index',
    'argmin_no_keepdims_random_select_last_index',
  ],
  'division of whole numbers gives whole numbers; PyTorch’s and ours gives fractions': ['div_uint8'],
  'channels in TensorFlow’s order': ['depthtospace_dcr_mode', 'depthtospace_example'],
  'random: each library draws its own': [
    'training_dropout',
    'training_dropout_default',
    'training_dropout_default_mask',
    'training_dropout_mask',
  ],
  'with the mask, which PyTorch and ours do not give': [
    'dropout_default_mask',
    'dropout_default_mask_ratio',
    'training_dropout_zero_ratio_mask',
  ],
  'another diagonal than the main one': ['eyelike_populate_off_main_diagonal'],
  'slopes other than PyTorch’s 1/6': ['hardsigmoid', 'hardsigmoid_default', 'hardsigmoid_example'],
  'an own alpha and gamma; PyTorch’s and ours are those of the paper': ['selu', 'selu_example'],
  'puts elements in the place of others; ours adds': [
    'scatter_elements_with_axis',
    'scatter_elements_with_negative_indices',
    'scatter_elements_without_axis',
  ],
  'a negative step, which PyTorch’s slices do not take': ['slice_neg_steps'],
  'pixels chosen in ways that PyTorch has not': [
    'resize_downsample_scales_nearest',
    'resize_downsample_sizes_nearest',
    'resize_tf_crop_and_resize',
    'resize_upsample_sizes_nearest',
    'resize_upsample_sizes_nearest_ceil_half_pixel',
    'resize_upsample_sizes_nearest_floor_align_corners',
    'resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric',
  ],
  'a cubic whose weights are not PyTorch’s': [
    'resize_downsample_scales_cubic_A_n0p5_exclude_outside',
    'resize_upsample_scales_cubic_A_n0p5_exclude_outside',
    'resize_upsample_scales_cubic_asymmetric',
  ],
};

/** Cases that give something else in PyTorch, and here: its values (by PyTorch 1.13), and why. */
export const otherwiseInPyTorch: Readonly<Record<string, { readonly why: string; readonly values: readonly number[] }>> = {
  resize_downsample_scales_cubic_align_corners: {
    why: 'as the next, of 3.2 pixels and 3',
    values: [1, 2.5, 4, 7, 8.5, 10, 13, 14.5, 16],
  },
  resize_downsample_scales_linear_align_corners: {
    why: 'ONNX aligns the corners of 2.4 pixels, 0.6 of 4, of which it makes 2; PyTorch those of the 2',
    values: [1, 4],
  },
  resize_downsample_sizes_linear_pytorch_half_pixel: {
    why: 'ONNX takes the first pixel where one is made, as it believes of PyTorch; PyTorch takes the middle',
    values: [3 + 1 / 6, 8.5, 13 + 5 / 6],
  },
};
