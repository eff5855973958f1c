export { type MatrixShape, type MatrixTile, matrixMemory, matrixThreads, matrixTiles, showMatrixTile } from './tile.js';
export { type MatrixUnit, matrixUnit } from './unit.js';
