using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Daemon.Inspection.Routing;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Routing;

[TestFixture]
internal sealed class PathNormalizerTests
{
    private const int KiB = 1024;

    private static readonly Gen<string> Piece = Gen.Elements(
        "/", "//", ".", "..", "%2e", "%2E", "%2f", "%5c", "%252e", "%", "%%", "%3", "2e", "e", "%65", "%32", "%25", "%61", "a", "admin",
        "\\", ";", ";x", "%3b", "?", "#", "*", "http://h", "http://", ":", "\0", "\r\n", " ", "\u00ff", "\u4e16", "\ud800");

    internal static readonly Arbitrary<string> Targets =
        Gen.Frequency((4, Piece.ArrayOf().Select(string.Concat)), (1, ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""))).ToArbitrary();

    [TestCase("/a/b?q=/../c", "/a/b")]
    [TestCase("/a#b?c", "/a")]
    [TestCase("/", "/")]
    [TestCase("", "/")]
    [TestCase("?", "/")]
    [TestCase("#", "/")]
    [TestCase("*", "*")]
    [TestCase("*/a", "/*/a")]
    [TestCase("admin", "/admin")]
    [TestCase("../admin", "/admin")]
    [TestCase("//admin", "/admin")]
    [TestCase("/a///b//", "/a/b/")]
    [TestCase("/a/./b/.", "/a/b/")]
    [TestCase("/a/../b", "/b")]
    [TestCase("/a/b/..", "/a/")]
    [TestCase("/../../a", "/a")]
    [TestCase("/..", "/")]
    [TestCase("/a//../b", "/b")]
    [TestCase("/a/%2e%2E/b", "/b")]
    [TestCase("/a/.%2e/b", "/b")]
    [TestCase("/%61dmin", "/admin")]
    [TestCase("/%7Euser/%2D%5f", "/~user/-_")]
    [TestCase("/a%2fb%2F", "/a%2fb%2F")]
    [TestCase("/a/..%2fb", "/a/..%2fb")]
    [TestCase("/a/%252e%252e/b", "/a/%252e%252e/b")]
    [TestCase("/a/%25%32%65/b", "/a/%252e/b")]
    [TestCase("/a/%%32e/b", "/a/%%32e/b")]
    [TestCase("/a/%2%65", "/a/%2%65")]
    [TestCase("/a%", "/a%")]
    [TestCase("/a%4", "/a%4")]
    [TestCase("/a%zz", "/a%zz")]
    [TestCase("/a;x=1/..;/b;", "/a;x=1/..;/b;")]
    [TestCase("/a/...", "/a/...")]
    [TestCase("/.a/..b/c..", "/.a/..b/c..")]
    [TestCase("/a\\..\\b", "/a\\..\\b")]
    [TestCase("/caf\u00c3\u00a9", "/caf\u00c3\u00a9")]
    [TestCase("http://h/p/../q", "/q")]
    [TestCase("HTTPS+x.1://user@h:8/p", "/p")]
    [TestCase("http://h", "/")]
    [TestCase("http://h?q", "/")]
    [TestCase("http://h#f/x", "/")]
    [TestCase("http://h//x", "/x")]
    [TestCase("http:/h/x", "/http:/h/x")]
    [TestCase("h:443", "/h:443")]
    [TestCase("1http://h/x", "/1http:/h/x")]
    public void AnyTarget_Normalized_IsTheStandardReading(string target, string expected) =>
        Assert.That(PathNormalizer.Normalize(target), Is.EqualTo(expected));

    [TestCase("/a%2f..%2Fb%40", "/b@")]
    [TestCase("/a/%252e%252e/b", "/a/%2e%2e/b")]
    [TestCase("/a%5c..%5cb", "/a\\..\\b")]
    public void AnyTarget_NormalizedDecoded_HasNoEscapeLeft(string target, string expected) =>
        Assert.That(PathNormalizer.NormalizeDecoded(target), Is.EqualTo(expected));

    [TestCase("/a/../b?x", "/a/../b")]
    [TestCase("//a%61#f?x", "//a%61#f")]
    [TestCase("http://h/x//y?z", "/x//y")]
    [TestCase("http://h", "")]
    [TestCase("*", "*")]
    [TestCase("", "")]
    public void RawPath_OnlyLosesQueryAndAuthority(string target, string expected) =>
        Assert.That(PathNormalizer.RawPath(target), Is.EqualTo(expected));

    [TestCase("/a/b.c/d-e_f~g")]
    [TestCase("/a%2Fb/.well-known/c;d")]
    [TestCase("*")]
    public void NormalPath_IsReturnedItself(string path)
    {
        Assert.That(PathNormalizer.Normalize(path), Is.SameAs(path));
        Assert.That(Allocations.Of(1, () => PathNormalizer.Normalize(path)), Is.Zero);
    }

    [TestCase("/..", "/")]
    [TestCase("/.", "/")]
    [TestCase("//", "/")]
    [TestCase("/a/", null)]
    [TestCase("/%2e%2e", "/")]
    [TestCase("%", null)]
    public void Path64KiBLong_IsNormalized(string piece, string? expected)
    {
        var target = string.Concat(Enumerable.Repeat(piece, 64 * KiB / piece.Length));
        var repeated = piece == "%" ? "/" + target : target.Replace("//", "/", StringComparison.Ordinal);
        Assert.That(PathNormalizer.Normalize(target), Is.EqualTo(expected ?? repeated));
    }

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public Property AnyTarget_NormalizedTwice_IsNormalizedOnce() => Prop.ForAll(Targets, target =>
    {
        var once = PathNormalizer.Normalize(target);
        return PathNormalizer.Normalize(once) == once;
    });

    [FsCheck.NUnit.Property(MaxTest = 2000, QuietOnSuccess = true)]
    public Property AnyTarget_Normalized_HasNoEmptyOrDotSegment() => Prop.ForAll(Targets, static target =>
        new[] { PathNormalizer.Normalize(target), PathNormalizer.NormalizeDecoded(target) }.All(static path =>
        {
            var segments = path.Split('/');
            return path == "*" || (path[0] == '/' && !segments[1..^1].Any(static segment => segment is "" or "." or "..") && segments[^1] is not ("." or ".."));
        }));
}
