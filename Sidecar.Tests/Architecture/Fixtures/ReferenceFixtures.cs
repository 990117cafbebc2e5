#pragma warning disable // Not code of the product: each type below exists to be referenced in exactly one way.
namespace Sidecar.Tests.Architecture.Fixtures;

internal class AsBase;

internal interface IAsInterface;

internal sealed class AsField;

internal sealed class AsParameter;

internal sealed class AsReturn;

internal sealed class AsArray;

internal sealed class AsArgumentOfField;

internal sealed class AsConstraint;

internal struct AsLocal;

internal sealed class AsTypeof;

internal sealed class AsNew;

internal static class AsCall
{
    public static void Do()
    {
    }
}

internal sealed class AsGenericArgument;

internal sealed class AsCatch : Exception;

internal sealed class InLambda;

internal sealed class InAsync;

internal sealed class InNested;

internal sealed class AroundNested
{
    internal sealed class Inner;
}

internal sealed class AfterSwitch;

internal sealed class AsAttribute(Width width) : Attribute
{
    public Type? Named { get; set; }
}

internal enum Width : byte { One = 1 }

internal sealed class AsAttributeArgument;

internal sealed class NotReferenced;

[AsAttribute(Width.One, Named = typeof(List<AsAttributeArgument[]>))]
internal sealed class Referrer : AsBase, IAsInterface
{
    private AsField _field;
    private Dictionary<string, List<AsArgumentOfField>> _generic;

    private void Parameter(AsParameter value) { }

    private AsReturn Return() => null;

    private void Array(AsArray[,] value) { }

    private void Constraint<T>() where T : IEnumerable<AsConstraint> { }

    private object Body(int i)
    {
        AsLocal local = default;
        switch (i)
        {
            case 0: return local;
            case 1: return typeof(AsTypeof);
            case 2: return new AsNew();
            case 3: AsCall.Do(); return System.Array.Empty<AsGenericArgument>();
        }

        try { return new Func<object>(() => new InLambda()); }
        catch (AsCatch) { return new AroundNested.Inner(); }
        finally { _ = new AfterSwitch(); }
    }

    private async Task Async()
    {
        await Task.Yield();
        _ = new InAsync();
    }

    private sealed class Nested
    {
        private InNested _field;
    }
}
