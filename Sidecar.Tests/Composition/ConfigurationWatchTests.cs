using Microsoft.Extensions.Logging;
using NUnit.Framework;
using Sidecar.Daemon.Composition;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Control;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Composition;

/// <summary>Changes of files are followed once they are at rest, however they come about.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ConfigurationWatchTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private readonly FakeLoggers _logs = new();
    private readonly CountedReloads _reloads = new();
    private readonly CancellationTokenSource _stop = new();

    public void Dispose()
    {
        _stop.Dispose();
        _directory.Dispose();
    }

    [Test]
    public async Task AChange_CountsWhenItHasStayedForAnInterval_AndOnce()
    {
        var file = _directory.File("sidecar.yaml");
        await File.WriteAllTextAsync(file, "one", CancellationToken.None);
        var watching = Watch(new MemorySource { Files = [file] });
        await LookAsync(2);
        Assert.That(_reloads.Count, Is.EqualTo(1), "what is there may be newer than what the start has read");
        await LookAsync(5);
        Assert.That(_reloads.Count, Is.EqualTo(1));

        foreach (var half in new[] { "t", "tw" })
        {
            await File.WriteAllTextAsync(file, half, CancellationToken.None);
            await LookAsync(1);
        }

        Assert.That(_reloads.Count, Is.EqualTo(1), "it is still being written");
        await File.WriteAllTextAsync(file, "two", CancellationToken.None);
        await LookAsync(2);
        Assert.That(_reloads.Count, Is.EqualTo(2));
        await LookAsync(5);
        Assert.That(_reloads.Count, Is.EqualTo(2), "one that was refused is not read again until it changes");
        await StopAsync(watching);
    }

    [Test]
    public async Task ASymlinkThatIsTurnedElsewhere_IsAChange()
    {
        foreach (var version in new[] { "1", "2" })
        {
            Directory.CreateDirectory(_directory.File(version));
            await File.WriteAllTextAsync(Path.Combine(_directory.File(version), "sidecar.yaml"), version, CancellationToken.None);
        }

        var (data, file) = (_directory.File("..data"), _directory.File("sidecar.yaml"));
        File.CreateSymbolicLink(data, "1");
        File.CreateSymbolicLink(file, "..data/sidecar.yaml");
        var watching = Watch(new MemorySource { Files = [file] });
        await LookAsync(2);
        Directory.Delete(data);
        File.CreateSymbolicLink(data, "2");
        await LookAsync(2);
        Assert.That(_reloads.Count, Is.EqualTo(2));
        await StopAsync(watching);
    }

    [Test]
    public async Task FilesThatComeAndGo_AreChanges()
    {
        var folder = _directory.File("conf.d");
        var (main, part) = (_directory.File("sidecar.yaml"), Path.Combine(folder, "a.yaml"));
        await File.WriteAllTextAsync(main, "main", CancellationToken.None);
        var watching = Watch(new MemorySource { Files = [main, folder] });
        await LookAsync(2);
        Action[] changes =
        [
            () => Directory.CreateDirectory(folder), () => File.WriteAllText(part, ""), () => File.Delete(part), () => File.Delete(main),
            () => File.WriteAllText(main, "main"),
        ];
        for (var i = 0; i < changes.Length; i++)
        {
            changes[i]();
            await LookAsync(2);
            Assert.That(_reloads.Count, Is.EqualTo(i + 2));
        }

        await StopAsync(watching);
    }

    [Test]
    public async Task AFileSystemThatHangs_IsSaidOnce_AndHoldsUpNoStop()
    {
        using var gate = new ManualResetEventSlim();
        var watching = new ConfigurationWatch(
            new HangingSource(gate), _reloads, Interval, _clock, _logs.CreateLogger<ConfigurationWatch>()).RunAsync(_stop.Token);
        await WaitsAsync();
        _clock.Advance(Interval);
        await Eventually.TrueAsync(() => _clock.IsArmedFor(GuardedRead<string>.Limit), Limit, "the look");
        _clock.Advance(GuardedRead<string>.Limit);
        await LookAsync(3);
        Assert.That(_logs.Collector.GetSnapshot().Select(static line => line.Message), Is.EqualTo(new[]
        {
            "changes are not seen: /hangs was not read within 30 s; look at the file system that it and what it includes are on",
        }));
        gate.Set();
        await Eventually.TrueAsync(
            async () =>
            {
                await LookAsync(1);
                return _reloads.Count == 1;
            },
            Limit, "a file system that is back");
        await StopAsync(watching);
    }

    [Test]
    public async Task AReloadThatHangs_HoldsUpNoStop()
    {
        _reloads.Result = new TaskCompletionSource<ReloadResult>().Task;
        var watching = Watch(new MemorySource { Files = [_directory.File("none")] });
        await LookAsync(1);
        _clock.Advance(Interval);
        await Eventually.TrueAsync(() => _reloads.Count == 1, Limit, "the reload");
        await StopAsync(watching);
        Assert.That(_reloads.Count, Is.EqualTo(1));
    }

    [Test]
    public void ALargeFile_CostsNoMoreThanItMayHave()
    {
        var file = _directory.File("large");
        using (var stream = File.Create(file))
        {
            stream.SetLength(8L * 1024 * 1024 * 1024);
        }

        Assert.That(ConfigurationWatch.Fingerprint([file]), Has.Length.EqualTo(64));
    }

    private Task Watch(MemorySource source) =>
        new ConfigurationWatch(source, _reloads, Interval, _clock, _logs.CreateLogger<ConfigurationWatch>()).RunAsync(_stop.Token);

    // Lets it look so often, and waits until it waits again.
    private async Task LookAsync(int times)
    {
        await WaitsAsync();
        for (var i = 0; i < times; i++)
        {
            _clock.Advance(Interval);
            await WaitsAsync();
        }
    }

    private Task WaitsAsync() => Eventually.TrueAsync(() => _clock.IsArmedFor(Interval), Limit, "the wait for the next look");

    private async Task StopAsync(Task watching)
    {
        await _stop.CancelAsync();
        await watching.WaitAsync(Limit, CancellationToken.None);
    }

    private sealed class HangingSource(ManualResetEventSlim gate) : IConfigurationSource
    {
        public string Place => "/hangs";

        public IReadOnlyList<string> Files
        {
            get
            {
                gate.Wait(Limit);
                return [];
            }
        }

        public ConfigurationReading Read() => throw new NotSupportedException("a watch reads nothing");
    }

    private sealed class CountedReloads : IReloads
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public Task<ReloadResult> Result { get; set; } =
            Task.FromResult(new ReloadResult(ConfigurationWatch.Cause, DateTimeOffset.UnixEpoch, ReloadOutcome.Refused, 1));

        public ReloadState State => throw new NotSupportedException("a watch does not ask");

        public Task<ReloadResult> ReloadAsync(string cause)
        {
            Interlocked.Increment(ref _count);
            return Result;
        }

        public Task<ReloadResult> TryAsync() => throw new NotSupportedException("a watch does not try");
    }
}
