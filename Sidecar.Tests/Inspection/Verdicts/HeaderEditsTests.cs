using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Inspection.Verdicts;

[TestFixture]
internal sealed class HeaderEditsTests
{
    private static readonly Gen<HeaderOperation> Operation =
        from kind in Gen.Elements(HeaderOperationKind.Set, HeaderOperationKind.Add, HeaderOperationKind.Remove)
        from name in Gen.Elements("a", "A", "b", "B", "c-d", "C-D")
        from value in Gen.Elements("1", "2", "", "x")
        select new HeaderOperation(kind, name, kind == HeaderOperationKind.Remove ? "" : value);

    private static readonly Arbitrary<HeaderOperation[][]> Operations = Operation.ArrayOf().ArrayOf().ToArbitrary();

    private static readonly Arbitrary<string[]> Values = Gen.Elements("o1", "o2", "").ArrayOf().ToArbitrary();

    [Test]
    public void Fold_OfNothing_AllocatesNothing()
    {
        IReadOnlyList<HeaderOperation>[] none = [[], []];
        Assert.That(HeaderEdits.Fold(none), Is.Empty);
        Assert.That(HeaderEdits.Fold([]), Is.Empty);

        // The enumerator of a list that is not empty is the caller's.
        Assert.That(Allocations.Of(1, static () => HeaderEdits.Fold([])), Is.Zero);
        Assert.That(ReferenceEquals(HeaderEdits.Fold(none), HeaderEdits.Fold([])), Is.True);
    }

    [Test]
    public void Fold_OfSeveralAgents_GivesOneEditPerNameInOrderOfAppearance()
    {
        var edits = HeaderEdits.Fold(
        [
            [HeaderOperation.Add("X-Tag", "a"), HeaderOperation.Set("x-user", "eve")],
            [HeaderOperation.Remove("X-User"), HeaderOperation.Add("x-tag", "b"), HeaderOperation.Remove("X-Secret")],
            [HeaderOperation.Add("x-user", "alice"), HeaderOperation.Add("x-user", "bob")],
        ]);

        Assert.That(edits.Select(Show), Is.EqualTo(new[] { "x-tag + a,b", "x-user = alice,bob", "x-secret = " }));
    }

    [FsCheck.NUnit.Property(MaxTest = 1000, QuietOnSuccess = true)]
    public Property FoldedAndApplied_IsTheSameAsOneAfterTheOther() => Prop.ForAll(Operations, Values, (operations, original) =>
    {
        var edits = HeaderEdits.Fold(operations);
        return edits.Select(edit => edit.Name).Distinct().Count() == edits.Count
            && new[] { "a", "b", "c-d", "untouched" }.All(name =>
            {
                var edit = edits.SingleOrDefault(candidate => candidate.Name == name);
                var values = edit is null ? original : [.. edit.KeepOriginal ? original : [], .. edit.Values];
                return values.SequenceEqual(OneAfterTheOther(name, operations.SelectMany(list => list), original));
            });
    });

    [TestCase("a=1", "a=2", "a = 2")]
    [TestCase("a=1", "a+2", "a = 1,2")]
    [TestCase("a+1", "a+2", "a + 1,2")]
    [TestCase("a=", "a+2", "a = 2")]
    [TestCase("a+1", "a=", "a = ")]
    [TestCase("a=1", "b=2", "a = 1|b = 2")]
    public void EditsOfTwoEvents_Join(string first, string then, string expected)
    {
        var joined = HeaderEdits.Join(Edits(first), Edits(then));

        Assert.That(string.Join('|', joined.Select(Show)), Is.EqualTo(expected));
    }

    private static HeaderEdit[] Edits(string text) => [new HeaderEdit(text[..1], text[1] == '+', text.Length > 2 ? [text[2..]] : [])];

    private static List<string> OneAfterTheOther(string name, IEnumerable<HeaderOperation> operations, string[] original)
    {
        List<string> values = [.. original];
        foreach (var operation in operations.Where(operation => operation.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            switch (operation.Kind)
            {
                case HeaderOperationKind.Set:
                    values = [operation.Value];
                    break;
                case HeaderOperationKind.Add:
                    values.Add(operation.Value);
                    break;
                default:
                    values.Clear();
                    break;
            }
        }

        return values;
    }

    private static string Show(HeaderEdit edit) => $"{edit.Name} {(edit.KeepOriginal ? '+' : '=')} {string.Join(',', edit.Values)}";
}
