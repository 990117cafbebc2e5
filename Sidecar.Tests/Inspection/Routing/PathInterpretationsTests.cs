using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Routing;

/// <summary>What servers may read in a path.</summary>
internal sealed class PathInterpretationsTests
{
    [TestCase("/a%2f..%2Fb%40", "/b@")]
    [TestCase("/a/%252e%252e/b", "/a/%2e%2e/b")]
    [TestCase("/a/%252e%252e/b", "/b", Description = "decoded twice")]
    [TestCase("/a%5c..%5cb", "/a\\..\\b")]
    [TestCase("/a%5c..%5cb", "/b")]
    [TestCase("/a\\..\\b", "/b")]
    [TestCase("\\\\a", "/a")]
    [TestCase("http://h\\a", "/a")]
    [TestCase("/a/..;x/b;y/c;", "/b/c")]
    [TestCase("/;x/a", "/a")]
    [TestCase("/a;%2fx/b%2f", "/a/b%2f")]
    [TestCase("/%2f/admin;%2f..", "/admin")]
    [TestCase("/a%3bb/..;%2e/c", "/c")]
    [TestCase("/a;%5cx\\b", "/a/b")]
    [TestCase("/a#/../b?c", "/b")]
    [TestCase("/a//../b", "/a/b")]
    [TestCase("/a//b//../..", "/a/")]
    [TestCase("//../a//", "/a/")]
    [TestCase("/a;/.;/..", "/a/", Description = "dot segments first, parameters then")]
    [TestCase("/a;/..;x", "/a/..", Description = "no dot segments removed at all")]
    public void Path_HasThisReadingAmongOthers(string target, string reading) =>
        Assert.That(Of(target, out _), Does.Contain(reading).And.Contain(PathNormalizer.RawPath(target)).And.Contain(PathNormalizer.Normalize(target)));

    [TestCase("/a/b.c/d-e_f~g", 1)]
    [TestCase("*", 1)]
    [TestCase("/a%20b/c%2Bd", 2)]
    [TestCase("/a;v=1/b", 2)]
    [TestCase("/.well-known/x", 1)]
    [TestCase("//a", 2)]
    public void OrdinaryPath_HasFewReadings(string target, int count) => Assert.That(Of(target, out _), Has.Count.EqualTo(count));

    [Test]
    public void PathThatIsToldDecoded_IsAnotherReadingOfTheSameChars()
    {
        using var readings = new PathInterpretations("/a", tellsDecoded: true);

        Assert.That((readings.MoveNext(), readings.IsDecoded, readings.Current.ToString()), Is.EqualTo((true, false, "/a")));
        Assert.That((readings.MoveNext(), readings.IsDecoded, readings.Current.ToString()), Is.EqualTo((true, true, "/a")));
        Assert.That(readings.MoveNext(), Is.False);
    }

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public Property NoStep_LeadsOutOfTheReadings() => Prop.ForAll(PathNormalizerTests.Targets, static target =>
    {
        var all = Of(target, out var isIncomplete);
        return isIncomplete || all.All(reading => PathSteps.All.ToArray().All(step => all.Contains(Applied(step, reading))));
    });

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public Property PathThatIsLeftAlone_HasNoOtherReading() =>
        Prop.ForAll(PathNormalizerTests.Targets, static target => !PathSteps.LeaveAlone(PathNormalizer.RawPath(target)) || Of(target, out _).Count == 1);

    [TestCase("/x%2f;\\..//..", 5000)]
    [TestCase("%25", 20_000, Description = "every decoding leaves something to decode")]
    [TestCase("/..;/%2e#\\", 800)]
    [TestCase("/;\\%2e%2e.%252f/../%2f\\/%5c##%2e", 1)]
    public void PathWithTooManyReadings_HasABound_AndSaysSo(string piece, int times)
    {
        var readings = new PathInterpretations(string.Concat(Enumerable.Repeat(piece, times)));
        var (count, chars) = (0, 0);
        while (readings.MoveNext())
        {
            count++;
            chars += readings.Current.Length;
        }

        Assert.That(readings.IsIncomplete);
        Assert.That(count, Is.LessThanOrEqualTo(PathInterpretations.MaxCount));
        Assert.That(chars, Is.LessThanOrEqualTo(PathInterpretations.MaxChars));
        readings.Dispose();
    }

    [Test]
    public void Readings_AllocateNothing() => Assert.That(Allocations.Of(1, static () => Count("/a/../b%2f;x//c\\d#e")), Is.Zero);

    private static void Count(string path)
    {
        using var readings = new PathInterpretations(path);
        while (readings.MoveNext())
        {
        }
    }

    private static HashSet<string> Of(string target, out bool isIncomplete)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        using var readings = new PathInterpretations(PathNormalizer.RawPath(target));
        while (readings.MoveNext())
        {
            Assert.That(all.Add(readings.Current.ToString()), "each once");
        }

        isIncomplete = readings.IsIncomplete;
        return all;
    }

    private static string Applied(PathStep step, string path)
    {
        var buffer = new char[path.Length + 1];
        return PathSteps.MayChange(step, path) ? buffer.AsSpan(0, PathSteps.Apply(step, path, buffer)).ToString() : path;
    }
}
