# The app for puma, as Rack.

require_relative "../work/work"

run lambda { |env|
  found = answer(env["PATH_INFO"], 1)
  body, type = found || ["Not found\n", "text/plain"]
  headers = { "content-type" => type, "content-length" => body.bytesize.to_s }
  [found ? 200 : 404, headers, [body]]
}
