using System.Globalization;
using NUnit.Framework;
using Sidecar.Daemon.Cli.Bench;

namespace Sidecar.Tests.Cli;

/// <summary>Whose processor time a benchmark reports, and where it runs.</summary>
public sealed class BenchProcessTests
{
    [TestCase("sidecar")]
    [TestCase("a b")]
    [TestCase("a) 1 (b")]
    [TestCase(")")]
    public void Times_AreReadWhateverTheProcessCallsItself(string name)
    {
        Assert.That(ProcessTimes.Parse(Stat(name, 250, 50, 77)), Is.EqualTo(new ProcessTimes(TimeSpan.FromSeconds(3), 77)));
    }

    [TestCase("")]
    [TestCase("4711 (sidecar) S 1 2 3")]
    [TestCase("4711 (sidecar) S 1 4711 4711 0 -1 4194560 2563 0 12 0 x 1 0 0 20 0 14 0 77 0")]
    public void Times_OfWhatIsNoSuchLineAreNone(string stat) => Assert.That(ProcessTimes.Parse(stat), Is.Null);

    [Test]
    public void Times_OfAnotherProcessUnderTheSameIdAreNotTaken()
    {
        var (before, same, other) = (ProcessTimes.Parse(Stat("a", 10, 0, 1)), ProcessTimes.Parse(Stat("a", 30, 5, 1)), ProcessTimes.Parse(Stat("a", 30, 5, 2)));
        Assert.That(ProcessTimes.Between(before, same), Is.EqualTo(TimeSpan.FromMilliseconds(250)));
        Assert.That(ProcessTimes.Between(before, other), Is.Null);
        Assert.That(ProcessTimes.Between(before, null), Is.Null);
    }

    [Test]
    public void OwnTimes_AreThere() => Assert.That(ProcessTimes.Read(Environment.ProcessId)?.Cpu, Is.GreaterThan(TimeSpan.Zero));

    [TestCase("agent", "is not NAME=PID")]
    [TestCase("=1", "is not NAME=PID")]
    [TestCase("agent=x", "is not NAME=PID")]
    [TestCase("a\"b=1", "is not NAME=PID")]
    [TestCase("client=1", "choose another name")]
    [TestCase("agent=2147483647", "there is no process 2147483647")]
    public void Process_ThatCannotBeMeasuredIsRefused(string text, string expected)
    {
        Assert.That(MeasuredProcess.Parse(text, out var problem), Is.Null);
        Assert.That(problem, Does.Contain(expected));
    }

    [Test]
    public void Process_IsTakenByItsName()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"agent={Environment.ProcessId}");
        Assert.That(MeasuredProcess.Parse(text, out var problem), Is.EqualTo(new MeasuredProcess("agent", Environment.ProcessId)));
        Assert.That(problem, Is.Null);
    }

    [TestCase("1", new[] { 1 })]
    [TestCase("0,2", new[] { 0, 2 })]
    [TestCase("0-2,5", new[] { 0, 1, 2, 5 })]
    [TestCase("", null)]
    [TestCase("a", null)]
    [TestCase("2-1", null)]
    [TestCase("1-2-3", null)]
    [TestCase("-1", null)]
    [TestCase("0,", null)]
    [TestCase("1024", null)]
    public void Cpus_AreRead(string text, int[]? expected)
    {
        Assert.That(CpuPin.TryParse(text, out var cpus), Is.EqualTo(expected is not null));
        if (expected is not null)
        {
            Assert.That(cpus, Is.EqualTo(expected));
        }
    }

    private static string Stat(string name, int user, int system, int started) => string.Create(
        CultureInfo.InvariantCulture,
        $"4711 ({name}) S 1 4711 4711 0 -1 4194560 2563 0 12 0 {user} {system} 900 800 20 0 14 0 {started} 274877906944 9000 18446744073709551615 1 1 0\n");
}
