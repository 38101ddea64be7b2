/** A WebSocket server that sends back what it is told. */
// @ts-types="npm:@types/ws@8.18.2"
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 3000 });
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
