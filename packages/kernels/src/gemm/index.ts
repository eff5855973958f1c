export { gemmTile, gemmTiles } from './tile.js';
