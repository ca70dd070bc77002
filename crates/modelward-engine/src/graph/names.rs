//! Names of the operators that rules write.
//!
//! A rule names what it writes, and whoever runs the rule looks it up among all operators. So no
//! operator's file needs another's, although almost every gradient writes products and sums.

use crate::graph::Domain;

/// The name of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Whose it is.
    pub domain: Domain,
    /// What it is called there.
    pub name: &'static str,
}

macro_rules! names {
    ($($id:ident = $domain:ident $name:literal;)*) => {
        $(pub(crate) const $id: Name = Name { domain: Domain::$domain, name: $name };)*

        #[cfg(test)]
        pub(super) const ALL: &[Name] = &[$($id),*];
    };
}

names! {
    ABS = Onnx "Abs";
    ADD = Onnx "Add";
    ALIGN = Own "Align";
    AND = Onnx "And";
    ARG_MAX = Onnx "ArgMax";
    ATTENTION_BIAS = Own "AttentionBias";
    AVERAGE_POOL = Onnx "AveragePool";
    AVERAGE_POOL_GRAD = Own "AveragePoolGrad";
    BATCH_NORMALIZATION = Onnx "BatchNormalization";
    CAST = Onnx "Cast";
    CAST_LIKE = Onnx "CastLike";
    CENTER_CROP_PAD = Onnx "CenterCropPad";
    CLIP_GRAD = Own "ClipGrad";
    COFACTORS = Own "Cofactors";
    COL2IM = Onnx "Col2Im";
    COL2IM_GRAD = Own "Col2ImGrad";
    CONCAT = Onnx "Concat";
    CONSTANT_OF_SHAPE = Onnx "ConstantOfShape";
    CONV = Onnx "Conv";
    CONV_INPUT_GRAD = Own "ConvInputGrad";
    CONV_TRANSPOSE = Onnx "ConvTranspose";
    CONV_WEIGHT_GRAD = Own "ConvWeightGrad";
    COS = Onnx "Cos";
    COSH = Onnx "Cosh";
    CROSS_ENTROPY = Own "CrossEntropy";
    CUM_PROD = Onnx "CumProd";
    CUM_PROD_GRAD = Own "CumProdGrad";
    CUM_SUM = Onnx "CumSum";
    DEPTH_TO_SPACE = Onnx "DepthToSpace";
    DEQUANTIZE_LINEAR = Onnx "DequantizeLinear";
    DFT = Onnx "DFT";
    DFT_GRAD = Own "DFTGrad";
    DIV = Onnx "Div";
    EINSUM = Onnx "Einsum";
    EQUAL = Onnx "Equal";
    ERF = Onnx "Erf";
    EXP = Onnx "Exp";
    EXPAND = Onnx "Expand";
    FLATTEN = Onnx "Flatten";
    FUSED_MATMUL = Microsoft "FusedMatMul";
    GATHER = Onnx "Gather";
    GATHER_ELEMENTS = Onnx "GatherElements";
    GATHER_GRAD = Own "GatherGrad";
    GATHER_ND = Onnx "GatherND";
    GATHER_ND_GRAD = Own "GatherNDGrad";
    GELU = Onnx "Gelu";
    GEMM = Onnx "Gemm";
    GREATER = Onnx "Greater";
    GRID_SAMPLE_GRAD = Own "GridSampleGrad";
    GRU_GRAD = Own "GRUGrad";
    IDENTITY = Onnx "Identity";
    LAYER_NORMALIZATION = Onnx "LayerNormalization";
    LESS_OR_EQUAL = Onnx "LessOrEqual";
    LOG = Onnx "Log";
    LOG_SOFTMAX = Onnx "LogSoftmax";
    LRN_GRAD = Own "LrnGrad";
    LSTM_GRAD = Own "LSTMGrad";
    MATMUL = Onnx "MatMul";
    MAX_POOL = Onnx "MaxPool";
    MAX_POOL_GRAD = Own "MaxPoolGrad";
    MAX_UNPOOL = Onnx "MaxUnpool";
    MUL = Onnx "Mul";
    NEG = Onnx "Neg";
    NORMALIZE = Own "Normalize";
    NORMALIZE_GRAD = Own "NormalizeGrad";
    ONE_HOT = Onnx "OneHot";
    PAD = Onnx "Pad";
    PAD_GRAD = Own "PadGrad";
    POW = Onnx "Pow";
    RANGE = Onnx "Range";
    REDUCE_EXTREME_GRAD = Own "ReduceExtremeGrad";
    REDUCE_L1 = Onnx "ReduceL1";
    REDUCE_L2 = Onnx "ReduceL2";
    REDUCE_MAX = Onnx "ReduceMax";
    REDUCE_MEAN = Onnx "ReduceMean";
    REDUCE_PROD = Onnx "ReduceProd";
    REDUCE_SUM = Onnx "ReduceSum";
    RELU = Onnx "Relu";
    RELU_GRAD = Own "ReluGrad";
    RESHAPE = Onnx "Reshape";
    RESIZE = Onnx "Resize";
    RESIZE_GRAD = Own "ResizeGrad";
    REVERSE_SEQUENCE = Onnx "ReverseSequence";
    RMS_NORMALIZATION = Onnx "RMSNormalization";
    RNN_GRAD = Own "RNNGrad";
    ROI_ALIGN_GRAD = Own "RoiAlignGrad";
    ROTARY_EMBEDDING = Onnx "RotaryEmbedding";
    SCATTER_ELEMENTS = Onnx "ScatterElements";
    SCATTER_ND = Onnx "ScatterND";
    SHAPE = Onnx "Shape";
    SIGMOID = Onnx "Sigmoid";
    SIGN = Onnx "Sign";
    SIN = Onnx "Sin";
    SINH = Onnx "Sinh";
    SIZE = Onnx "Size";
    SLICE = Onnx "Slice";
    SLICE_GRAD = Own "SliceGrad";
    SOFTMAX = Onnx "Softmax";
    SOFTPLUS = Onnx "Softplus";
    SPACE_TO_DEPTH = Onnx "SpaceToDepth";
    SPLIT = Onnx "Split";
    SQRT = Onnx "Sqrt";
    STFT = Onnx "STFT";
    STFT_GRAD = Own "STFTGrad";
    SUB = Onnx "Sub";
    TANH = Onnx "Tanh";
    TENSOR_SCATTER = Onnx "TensorScatter";
    TENSOR_SCATTER_GRAD = Own "TensorScatterGrad";
    TOP_K = Onnx "TopK";
    TRANSPOSE = Onnx "Transpose";
    TRILU = Onnx "Trilu";
    UNSQUEEZE = Onnx "Unsqueeze";
    WHERE = Onnx "Where";
}
