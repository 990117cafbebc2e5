using System.Collections.Concurrent;
using System.Diagnostics;

namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// A real process of a test: its output is kept, it can be killed like a crash or stopped like an operator would, and it never outlives the test.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    // What is left when the test host ends, because a test could not come to its end.
    private static readonly ConcurrentDictionary<ChildProcess, bool> Running = new();

    private readonly Process _process;
    private readonly Dictionary<string, int> _found = new(StringComparer.Ordinal);
    private readonly List<string> _seen = [];
    private TaskCompletionSource _more = NewSignal();

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
    {
        foreach (var child in Running.Keys)
        {
            try
            {
                child._process.Kill(entireProcessTree: true);
            }
            catch (Exception)
            {
                // It ends by itself, or cannot be ended; nobody is there to be told.
            }
        }
    };

    private ChildProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Take(e.Data);
        process.ErrorDataReceived += (_, e) => Take(e.Data);
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Memory of the process in bytes by its name in <c>/proc/PID/status</c>, for example VmRSS now or VmHWM at most so far.</summary>
    public long MemoryOf(string name) => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status")
            .Single(line => line.StartsWith(name + ":", StringComparison.Ordinal))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        System.Globalization.CultureInfo.InvariantCulture);

    public string Output
    {
        get
        {
            lock (_seen)
            {
                return string.Join('\n', _seen);
            }
        }
    }

    public static ChildProcess Start(string file, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };

        // The sockets and pipes that the runtime makes for debuggers outlive a process that is killed.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        var child = new ChildProcess(new Process { StartInfo = start });
        child._process.Start();
        Running.TryAdd(child, true);
        child._process.BeginOutputReadLine();
        child._process.BeginErrorReadLine();
        child._process.StandardInput.Close();
        return child;
    }

    /// <summary>Waits for a line of output that contains the text, behind the one that the last wait for the same text found.</summary>
    public async Task WaitForAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);

        // With all of its output: only what is looked for after that will never come.
        var end = _process.WaitForExitAsync(limit.Token);
        while (true)
        {
            var hasEnded = end.IsCompletedSuccessfully;
            Task more;
            lock (_seen)
            {
                var at = _seen.FindIndex(_found.GetValueOrDefault(text), line => line.Contains(text, StringComparison.Ordinal));
                _found[text] = at < 0 ? _seen.Count : at + 1;
                if (at >= 0)
                {
                    return;
                }

                more = _more.Task;
            }

            if (hasEnded)
            {
                throw new InvalidOperationException($"'{text}' did not appear in the output before the process ended with {_process.ExitCode}:\n{Output}");
            }

            try
            {
                await (await Task.WhenAny(more.WaitAsync(limit.Token), end));
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"'{text}' did not appear in the output:\n{Output}");
            }
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await WaitForExitAsync();
    }

    /// <summary>kill -TERM; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("-TERM");
        return await WaitForExitAsync();
    }

    /// <summary>kill -STOP: it is there, and does nothing any more.</summary>
    public Task FreezeAsync() => SignalAsync("-STOP");

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Limit, TimeProvider.System);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await WaitForExitAsync();
        }

        Running.TryRemove(this, out _);
        _process.Dispose();
    }

    /// <summary>Sends a signal, as kill(1) names it.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/kill", [signal, $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_seen)
        {
            _seen.Add(line);
            _more.SetResult();
            _more = NewSignal();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
