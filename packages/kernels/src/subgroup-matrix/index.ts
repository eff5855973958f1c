export { type MatrixShape, type MatrixTile, matrixMemory, matrixThreads, matrixTile, matrixTiles, showMatrixTile } from './tile.js';
export { type MatrixUnit, matrixUnit } from './unit.js';
