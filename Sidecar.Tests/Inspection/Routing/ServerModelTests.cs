using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Daemon.Inspection.Verdicts;

namespace Sidecar.Tests.Inspection.Routing;

/// <summary>Whatever one of these servers takes for <c>/admin</c> is inspected by the agents of <c>/admin</c>, however it is written.</summary>
internal sealed class ServerModelTests
{
    private static readonly RouteTable Table = new([Route("admin", "/admin"), Route("rest", null)]);

    private static readonly (string Server, Func<string, string> Read)[] Models =
    [
        ("RFC 3986 alone", static path => Climb(DecodeUnreserved(path))),
        ("nginx: decodes, merges slashes, climbs", static path => Climb(Merge(Decode(path)))),
        ("decodes and climbs, then merges", static path => Merge(Climb(Decode(path)))),
        ("drops parameters, then merges and climbs", static path => Climb(Merge(Drop(DecodeUnreserved(path))))),
        ("drops parameters after decoding", static path => Climb(Merge(Drop(Decode(path))))),
        ("Jetty 9: drops parameters, decodes, climbs", static path => Climb(Merge(Decode(Drop(path))))),
        ("Tomcat that decodes slashes: drops parameters, decodes, climbs over empty segments", static path => Merge(Climb(Decode(Drop(path))))),
        ("a proxy that climbs, then one that drops parameters", static path => Drop(Climb(Merge(DecodeUnreserved(path))))),
        ("a proxy that decodes and climbs, then one that drops parameters", static path => Climb(Drop(Climb(Merge(Decode(path)))))),
        ("a proxy that climbs, then one that decodes and climbs", static path => Climb(Merge(Decode(Climb(path))))),
        ("Spring on the target as it came: drops parameters, decodes, merges, and does not climb", static path => Merge(Decode(Drop(path)))),
        ("climbs, then takes backslashes for slashes", static path => Climb(Climb(path).Replace('\\', '/'))),
        ("drops parameters before and after decoding", static path => Climb(Merge(Drop(Decode(Drop(path)))))),
        ("IIS: decodes, takes backslashes for slashes", static path => Climb(Merge(Decode(path).Replace('\\', '/')))),
        ("servlets behind IIS", static path => Climb(Merge(Decode(Drop(path.Replace('\\', '/'))).Replace('\\', '/')))),
    ];

    private static readonly Arbitrary<string> Targets = Gen.Elements(
        "/", "/", "//", ".", "..", "%2e", ".%2E", "%2f", "%2F", ";", ";x", "%3b", "%3By", "\\", "%5c", "#", "admin", "admin", "%61dmin", "a", "x;y", "%", "%2")
        .ArrayOf().Where(static pieces => pieces.Length < 12).Select(static pieces => "/" + string.Concat(pieces)).ToArbitrary();

    [TestCase("/%2f/admin;%2f..", "admin")]
    [TestCase("/x;%2fy/..%2fadmin", "admin")]
    [TestCase("/x;%2f..%2f..%2fadmin", "rest")]
    [TestCase("/admin;%2f..%2f..", "admin")]
    [TestCase("/admin%2fx;%2f..%2f..", "admin")]
    [TestCase("/x;a/..;%2f/admin", "admin")]
    public void ParametersDroppedBeforeEscapesAreDecoded_NeverHideAPath(string target, string route) =>
        Assert.That(Table.Match("h", target, "GET")!.Id.Split('+'), Does.Contain(route));

    [TestCase("/admin;/.;/..")]
    [TestCase("/admin%3b/.;/..")]
    [TestCase("/admin;/.%3b%2f..")]
    [TestCase("/z/x%2fy/../../%2fadmin")]
    [TestCase("/admin;/..;x")]
    [TestCase("/b\\c/..\\../admin")]
    public void NormalFormThatIsReadAgain_NeverHidesAPath(string target) => Assert.That(Table.Match("h", target, "GET")!.Id.Split('+'), Does.Contain("admin"));

    [FsCheck.NUnit.Property(MaxTest = 20_000, QuietOnSuccess = true)]
    public Property WhateverAServerTakesForAdmin_TheAgentsOfAdminInspect() => Prop.ForAll(Targets, static target =>
    {
        var ids = Table.Match("h", target, "GET")!.Id.Split('+');
        string[] raws = [target.Split('#')[0], target];
        var missed = Models.Where(model => raws.Any(raw => IsAdmin(model.Read(raw)))).Select(static model => model.Server)
            .FirstOrDefault(_ => !ids.Contains("admin"));
        return (missed is null).Label($"{target} is /admin for: {missed}");
    });

    // What the models do, in any order: as many servers as there may be, one behind the other.
    private static readonly Func<string, string>[] Steps =
    [
        Decode, DecodeUnreserved, Drop, Merge, Climb, static path => path.Replace('\\', '/'), static path => path.Split('#')[0],
    ];

    [Test]
    public void ShortPathOfOddPieces_IsNotHiddenFromAnyServer()
    {
        string[] pieces = ["/", ".", ";", "%2e", "%2f", "\\", "a"];
        var table = new RouteTable([Route("a", "/a"), Route("rest", null)]);
        var order = new Random(4711);
        for (var number = 0; number < Math.Pow(pieces.Length, 5); number++)
        {
            // Every path of five pieces, and behind each some that are longer.
            var target = "/" + string.Concat(Enumerable.Range(0, 5).Select(at => pieces[number / (int)Math.Pow(pieces.Length, at) % pieces.Length]));
            CheckShort(table, target, order);
            CheckShort(table, target + string.Concat(order.GetItems(pieces, 4)), order);
        }
    }

    private static void CheckShort(RouteTable table, string target, Random order)
    {
        var ids = table.Match("h", target, "GET")!.Id.Split('+');
        var steps = order.GetItems(Steps, 6);
        foreach (var reads in Models.Select(static model => model.Read).Append(path => steps.Aggregate(path, static (read, step) => step(read))))
        {
            var read = reads(target);
            var route = read == "/a" || read.StartsWith("/a/", StringComparison.Ordinal) ? "a" : "rest";
            Assert.That(ids.Contains(route), () => $"{target} is {read} for some server, and its agents are those of {string.Join('+', ids)}");
        }
    }

    [Test]
    public void Models_SeeTheDifference()
    {
        Assert.That(Models.Count(static model => IsAdmin(model.Read("/%2f/admin;%2f.."))), Is.InRange(1, Models.Length - 1));
        Assert.That(Models.Select(static model => model.Read("/a//../admin")).Distinct().Count(), Is.EqualTo(3));
    }

    [Test]
    public void LetterCase_IsOneWhereTheRouteSaysSo()
    {
        var match = new RouteMatch { PathPrefix = "/Admin", IgnoresCase = true };
        var table = new RouteTable([new RouteModel { Id = "admin", Match = match }, Route("rest", null)]);
        foreach (var target in (string[])["/admin", "/ADMIN/x", "/aDmIn?x", "/%41dmin"])
        {
            Assert.That(table.Match("h", target, "GET")!.Id, Does.StartWith("admin"));
        }

        Assert.That(table.Match("h", "/adminx", "GET")!.Id, Is.EqualTo("rest"));
        Assert.That(Table.Match("h", "/ADMIN", "GET")!.Id, Is.EqualTo("rest"));
    }

    private static bool IsAdmin(string path) => path == "/admin" || path.StartsWith("/admin/", StringComparison.Ordinal);

    private static string Decode(string path) => Decode(path, static _ => true);

    // By RFC 3986 these mean the same with and without their escapes, so no reading tells them apart.
    private static string DecodeUnreserved(string path) => Decode(path, static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~');

    private static string Decode(string path, Func<char, bool> isDecoded)
    {
        var text = new StringBuilder();
        for (var i = 0; i < path.Length; i++)
        {
            if (path[i] == '%' && i + 2 < path.Length && char.IsAsciiHexDigit(path[i + 1]) && char.IsAsciiHexDigit(path[i + 2])
                && (char)Convert.ToByte(path.Substring(i + 1, 2), 16) is var decoded && isDecoded(decoded))
            {
                text.Append(decoded);
                i += 2;
            }
            else
            {
                text.Append(path[i]);
            }
        }

        return text.ToString();
    }

    private static string Drop(string path) => string.Join('/', path.Split('/').Select(static segment => segment.Split(';')[0]));

    private static string Merge(string path)
    {
        while (path.Contains("//", StringComparison.Ordinal))
        {
            path = path.Replace("//", "/", StringComparison.Ordinal);
        }

        return path;
    }

    private static string Climb(string path)
    {
        var kept = new List<string>();
        var segments = path.Split('/')[1..];
        for (var i = 0; i < segments.Length; i++)
        {
            if (segments[i] == ".." && kept.Count > 0)
            {
                kept.RemoveAt(kept.Count - 1);
            }

            if (segments[i] is not ("." or ".."))
            {
                kept.Add(segments[i]);
            }
            else if (i == segments.Length - 1)
            {
                kept.Add("");
            }
        }

        return "/" + string.Join('/', kept);
    }

    private static RouteModel Route(string id, string? prefix) => new() { Id = id, Match = new RouteMatch { PathPrefix = prefix } };
}
