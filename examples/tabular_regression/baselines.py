"""What scikit-learn reaches on the same split: the references in conf/data/diabetes.yaml.

Run it anew where data or split have changed: `python baselines.py`.
"""

from pathlib import Path

from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from suite import Split
from tabular_regression.data import Diabetes

MODELS = {
    "mean of the training rows": DummyRegressor(),
    "ridge regression": make_pipeline(StandardScaler(), RidgeCV(alphas=[0.1, 1, 10, 100, 1000])),
    "gradient boosting": GridSearchCV(
        GradientBoostingRegressor(learning_rate=0.05, random_state=0),
        {"n_estimators": [25, 50, 100], "max_depth": [1, 2, 3]},
        scoring="neg_root_mean_squared_error",
    ),
}
"""What is to be chosen in them is chosen by cross-validation within the training rows."""


def main() -> None:
    """Print RMSE and R² on the test rows."""
    table = Diabetes().load(Path())
    features = {split: features_NF.numpy() for split, features_NF in table.features.items()}
    target = {split: target_NK[:, 0].numpy() for split, target_NK in table.target.items()}
    for name, model in MODELS.items():
        model.fit(features[Split.TRAIN], target[Split.TRAIN])
        true, predicted = target[Split.TEST], model.predict(features[Split.TEST])
        error = root_mean_squared_error(true, predicted)
        print(f"{name}: rmse {error:.2f}, r2 {r2_score(true, predicted):.3f}")


if __name__ == "__main__":
    main()
