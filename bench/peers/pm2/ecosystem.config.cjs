module.exports = {
  apps: [{
    name: "app",
    script: "./app.mjs",
    cwd: __dirname,
    exec_mode: "cluster",
    instances: 2,
    wait_ready: true,
  }],
};
