export * from '@initlab/kernels/adapter-kernels';
