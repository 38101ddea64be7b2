# What every request to /json costs, as in work.mjs; run as a program, it calibrates.

require "json"

DOCUMENT = JSON.parse(File.read(File.join(__dir__, "document.json")))
ROUNDS = Integer(ENV.fetch("WORK_ROUNDS", "1"))

# Encodes the document many times; returns the last result.
def work(rounds = ROUNDS)
  text = ""
  rounds.times { text = JSON.generate(DOCUMENT) }
  text
end

# The body and the type for a path, or nil.
def answer(path, worker)
  case path
  when "/hello" then ["Hello, world!\n", "text/plain"]
  when "/json" then [work, "application/json"]
  when "/" then ["{\"pid\":#{Process.pid},\"worker\":#{worker}}", "application/json"]
  end
end

# Processor time in seconds.
def cost(rounds)
  before = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  work(rounds)
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - before
end

if __FILE__ == $PROGRAM_NAME
  count = 1000
  count *= 2 while cost(count) < 0.4
  puts [1, (count * 0.002 / cost(count)).round].max
end
